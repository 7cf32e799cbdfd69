"""Lines of this boot that vanish from under it: its file was deleted, or cut by others."""

from collections.abc import Iterator
from pathlib import Path

from .sight import GapSearch, Sight
from .sink import Sink


class GapWatch:
    """Watch one boot's file, and have it searched where lines of it may be gone."""

    def __init__(self, path: Path, boot: str) -> None:
        self._search = GapSearch(path, boot)
        # The number of this boot's last line that is not in the present file.
        self._before_file = 0

    def look(self, sink: Sink, n: int) -> None:
        """Begin a search where the file was deleted or cut since the last look.

        `n` is the number of the boot's last line.
        """
        cause = ""
        if sink.deleted():
            cause = "deleted"
        elif sink.may_be_cut(holds_lines=n > self._before_file):
            cause = "truncated"
        if cause:
            self._search.begin(cause, self._before_file, n)
            self._before_file = n

    def leave_file(self, n: int) -> None:
        """Note that the file was moved away: lines up to number `n` are not in the next one."""
        self._before_file = n

    def gaps(self, *, wait: bool = False) -> Iterator[Sight]:
        """Yield what each search that has ended found missing; with `wait`, every search."""
        for sight in self._search.results(wait=wait):
            if sight.cause == "truncated" and self._before_file == sight.tip:
                self._before_file = sight.before
            if sight.kept < sight.last:
                yield sight

    def close(self) -> None:
        """End the search's thread."""
        self._search.close()
