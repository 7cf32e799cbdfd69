"""What is kept of an event in the quarantine, and what was released, as far as lines tell."""

from dataclasses import dataclass, field
from math import inf
from operator import itemgetter
from typing import NamedTuple

# What is released for another cause than these has arrived, as far as whoever released it knew.
ERASED = ("expired", "purged")

_AGE = itemgetter(0, 1)


class Held(NamedTuple):
    """A stored file that no line says was released: since when it is kept, for what, and for which
    path.

    `since` is in seconds since 1970, infinite where no line with a time tells.
    """

    since: float
    kept: str
    outcome: str
    reason: str
    path: str | None


@dataclass(slots=True)
class Holding:
    """The stored files of one event, by their SHA-256, from lines in any order.

    `custody` says that its sender was answered 200 and does not send it again. What was released
    once is released, as whatever is kept anew is another file.
    """

    custody: bool = False
    _kept: dict[str, Held] = field(default_factory=dict)
    # Whether a line says that it was sent on, when a line last said so or not, and the cause.
    _released: dict[str, tuple[bool, float, str]] = field(default_factory=dict)

    def keep(
        self,
        kept: str,
        moment: float,
        outcome: str | None,
        reason: str | None,
        path: str | None,
    ) -> None:
        """Note that a line of this time, 0.0 where none can be read, says that a file is kept."""
        held = Held(moment or inf, kept, str(outcome), str(reason), path)
        self._kept[kept] = min(held, self._kept.get(kept, held), key=_AGE)

    def release(self, kept: str, moment: float, cause: str) -> None:
        """Note that a line says that a file is kept no more."""
        said = cause not in ERASED, moment, cause
        self._released[kept] = max(said, self._released.get(kept, said))

    @property
    def left(self) -> list[Held]:
        """The files that were not released, the one that is kept the longest first."""
        left = (held for kept, held in self._kept.items() if kept not in self._released)
        return sorted(left, key=_AGE)

    @property
    def held(self) -> Held | None:
        """The file that is kept the longest and was not released; None where there is none."""
        return next(iter(self.left), None)

    @property
    def released(self) -> str | None:
        """The cause of the latest release, None while something is held."""
        latest = max(self._released.values(), key=itemgetter(1, 2), default=None)
        return latest[2] if latest is not None and self.held is None else None

    @property
    def may_have_arrived(self) -> bool:
        """Whether a release says so; what proves it is the line of a delivery."""
        return any(is_sent for is_sent, _, _ in self._released.values())
