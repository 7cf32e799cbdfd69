"""What the ledgers hold that the store does not have, for whoever waits until that is nothing."""

from collections.abc import Iterator
from pathlib import Path

from hookgate.ledger.reading.files import find_ledger
from hookgate.ledger.reading.reader import read_file

from .segment import digest_of, place_of
from .store import Position, Store


class Waiting:
    """The lines that the files of a ledger hold now. `unread` names files that cannot be read.

    Lines of a boot that forked are not waited for: the store has others at their place.
    """

    def __init__(self, ledger: Path) -> None:
        found = find_ledger(ledger)
        self.unread = [note.file for note in found.notes if note.unread]
        self._files = found.files
        # The last line of each boot that the store is to have.
        self._last: dict[str, int] = {}

    def read(self, store: Store) -> Iterator[None]:
        """Read the files, and note what the store lacks; yields for each line.

        Raises `StoreError`.
        """
        positions: dict[str, Position] = {}
        forked: set[str] = set()
        for file in self._files:
            for line in read_file(file):
                yield
                place = place_of(line.record or {})
                if place is None:
                    continue
                boot, n, _ = place
                if boot not in positions:
                    positions[boot] = store.position(boot)
                position = positions[boot]
                if n == position.next_n - 1 and digest_of(line.raw) != position.tip:
                    forked.add(boot)
                elif n >= position.next_n:
                    self._last[boot] = max(self._last.get(boot, 0), n)
        for boot in forked:
            self._last.pop(boot, None)

    def left(self, store: Store) -> int:
        """Ask how many of these lines the store lacks still. Raises `StoreError`."""
        left = 0
        for boot, last in list(self._last.items()):
            lacking = last + 1 - store.position(boot).next_n
            if lacking <= 0:
                del self._last[boot]
            left += max(0, lacking)
        return left
