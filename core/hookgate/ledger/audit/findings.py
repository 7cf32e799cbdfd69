"""What is found in a ledger, each with its place; of a ruined one no more than can be read."""

from collections import Counter
from typing import NamedTuple

MOST = 1000


class AuditFinding(NamedTuple):
    """One thing to know, where it shows, and in words. `boot` is "" where it is no boot's."""

    kind: str
    boot: str
    place: str
    text: str


class BoundedFindings:
    """Findings, of which those beyond `MOST` are only counted, by kind, in `more`."""

    def __init__(self) -> None:
        self.more: Counter[str] = Counter()
        self._found: list[AuditFinding | None] = []

    @property
    def full(self) -> bool:
        """Whether the next one is only counted."""
        return len(self._found) >= MOST

    @property
    def listed(self) -> list[AuditFinding]:
        """The findings that are kept, as they were found."""
        return [finding for finding in self._found if finding is not None]

    def note(self, kind: str, boot: str, place: str, text: str) -> int:
        """Add a finding; return its number, for `amend`, -1 if it is only counted."""
        if self.full:
            self.more[kind] += 1
            return -1
        self._found.append(AuditFinding(kind, boot, place, text))
        return len(self._found) - 1

    def amend(self, number: int, finding: AuditFinding | None) -> None:
        """Replace a finding by a better one, or by none; what is only counted stays."""
        if number >= 0:
            self._found[number] = finding
