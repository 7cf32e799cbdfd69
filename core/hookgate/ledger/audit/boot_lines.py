"""Which lines of one boot are here, by their numbers."""

from .findings import BoundedFindings
from .intervals import Intervals
from .totals import BalanceKind


class Unread:
    """How many lines were no records so far: each may be one of any boot's."""

    count = 0


class BootLines:
    """The numbers of a boot's lines. `here` are those, `last` is the highest, 0 without any.

    `is_cut` once it is settled that lines in the middle are in no file.
    """

    def __init__(self, boot: str, findings: BoundedFindings, unread: Unread) -> None:
        self.here = Intervals()
        self.last = 0
        self.is_cut = False
        self._boot = boot
        self._findings = findings
        self._unread = unread
        self._unread_before = unread.count
        # By their findings: the lines that were not here before later ones.
        self._cuts: dict[int, tuple[int, int]] = {}

    def add(self, first: int, last: int, place: str, *, is_told: bool = False) -> None:
        """Add lines; note those that are not here between the last one and these, unless it
        `is_told` by these.
        """
        unread = self._unread.count - self._unread_before
        self._unread_before = self._unread.count
        if self.last and first > self.last + 1 + unread and not is_told:
            text = f"lines {self.last + 1} to {first - 1} of the boot are not here"
            finding = self._findings.note(BalanceKind.CUT, self._boot, place, text)
            self._cuts[finding] = self.last + 1, first - 1
        self.last = max(self.last, last)
        self.here.cover(first, last)

    def settle(self) -> None:
        """Take back what was noted of lines that stand after later ones."""
        for finding, cut in self._cuts.items():
            if any(self.here.missing(*cut)):
                self.is_cut = True
            else:
                self._findings.amend(finding, None)
