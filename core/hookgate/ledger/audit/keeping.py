"""What the quarantine comes to: kept = replayed + delivered + expired + purged + held.

Counted over distinct stored files, by the lines that are there, in any order.
"""

from collections import Counter
from hashlib import blake2b
from typing import NamedTuple

from hookgate.ledger.record import Record

# Why a file was released; of several causes told of one, as after a crash, the first here counts.
CAUSES = ("replayed", "delivered", "expired", "purged")
_OTHER = len(CAUSES)
_SIZE = 16


class KeepingTotals(NamedTuple):
    """Stored files: how many were `kept`, of these how many were `released` for which cause, and
    how many are `held`. `unexplained` were released, and no line that is here says kept.
    """

    kept: int
    released: dict[str, int]
    held: int
    unexplained: int

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.kept or self.unexplained)


class Keeping:
    """Count stored files. Memory grows with them: a digest of 16 bytes for each.

    `kept` are those that lines say were kept, `released` those released, each with the place of the
    cause among `CAUSES`.
    """

    def __init__(self) -> None:
        self.kept: set[bytes] = set()
        self.released: dict[bytes, int] = {}

    def add(self, record: Record) -> None:
        """Add a record, if it says that a file is kept, or is kept no more."""
        kept, kind = record.get("kept"), record["event"]
        if type(kept) is not str:
            return
        key = blake2b(kept.encode("utf-8", "surrogatepass"), digest_size=_SIZE).digest()
        if kind == "released":
            cause = record.get("cause")
            self._release(key, CAUSES.index(cause) if cause in CAUSES else _OTHER)
        elif kind == "delivery":
            self.kept.add(key)

    def merge(self, other: "Keeping") -> None:
        """Add all that another counted."""
        self.kept |= other.kept
        for key, place in other.released.items():
            self._release(key, place)

    def _release(self, key: bytes, place: int) -> None:
        self.released[key] = min(place, self.released.get(key, place))

    def totals(self) -> KeepingTotals:
        """Return the sums."""
        places = Counter(place for key, place in self.released.items() if key in self.kept)
        released = {cause: places[place] for place, cause in enumerate(CAUSES)}
        if other := places[_OTHER]:
            released["other"] = other
        total = places.total()
        return KeepingTotals(
            len(self.kept), released, len(self.kept) - total, len(self.released) - total
        )
