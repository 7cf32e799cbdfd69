"""The files of a ledger that are written to, read on as they grow."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from hookgate.ledger.names import is_part
from hookgate.ledger.reading.parsing import parse
from hookgate.ledger.reading.tail import Tail
from hookgate.ledger.record import Record

from .rotated import Rotated

_ALL = 1 << 62

# Device and inode of a file.
FileKey = tuple[int, int]
# The number of the first line of each boot that was read of a file.
Firsts = dict[str, int]


class ChangedError(Exception):
    """The file at `cut` is shorter than it was; or, where that is None, one that was read is gone,
    and another has its name.
    """

    def __init__(self, cut: Path | None) -> None:
        super().__init__(cut)
        self.cut = cut


class Live:
    """The ledger at a path and its workers' and replays'; what cannot be read `rotated` is told.

    `firsts` are those of the file at each path.
    """

    def __init__(self, ledger: Path, rotated: Rotated) -> None:
        self._ledger, self._rotated = ledger, rotated
        self._tails: dict[Path, Tail] = {}
        self.firsts: dict[Path, Firsts] = {}

    @property
    def is_behind(self) -> bool:
        """Whether there was more to read than is read at a time."""
        return any(tail.is_behind for tail in self._tails.values())

    @property
    def read(self) -> Mapping[FileKey, int]:
        """How many bytes of each file were read."""
        places = [tail.position for tail in self._tails.values()]
        return {(place.device, place.inode): place.offset for place in places if place}

    def open(self) -> None:
        """Open the files that are there, each from its beginning."""
        for path in self._rotated.siblings():
            if path not in self._tails and is_part(path.name, self._ledger):
                self._tails[path] = Tail(path, _ALL)

    def close(self) -> None:
        """Close them, and forget what was read."""
        for tail in self._tails.values():
            tail.close()
        self._tails.clear()
        self.firsts.clear()

    def lines(self) -> Iterator[tuple[bytes, Record, Firsts]]:
        """Yield the lines that were written since, each with the firsts of its file, which whoever
        takes it keeps. Raises `ChangedError`.
        """
        self.open()
        for tail in self._tails.values():
            firsts = self.firsts.setdefault(tail.path, {})
            for raw in tail.poll():
                if tail.was_cut or tail.was_removed:
                    break
                if (record := parse(raw)) is not None:
                    yield raw, record, firsts
            if tail.was_cut or tail.was_removed:
                raise ChangedError(tail.path if tail.was_cut else None)
            if tail.trouble:
                self._rotated.not_read(str(tail.path), tail.trouble)
