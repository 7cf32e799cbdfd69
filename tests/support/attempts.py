"""Events as the attempts at them, in hand-made lines."""

from collections.abc import Iterator
from typing import Any

from hookgate.ledger.reading.reader import Line

from .lines import Record, delivery, forward, lines

# Two bodies of one reference.
A: Record = {"reference": "r-1", "sha256": "a" * 64}
B: Record = {"reference": "r-1", "sha256": "b" * 64}

_FORWARDED = ("reference", "sha256", "ts", "boot")


class Ledger:
    """Lines that can be read again, and how often they were."""

    def __init__(self, *records: Record | bytes) -> None:
        self.records = records
        self.readings = 0

    def __call__(self) -> Iterator[Line]:
        self.readings += 1
        return iter(lines(*self.records))


def attempts(*reasons: str, first: int = 1, **fields: Any) -> list[Record]:
    """One event's attempts, each with its forward where it has one; "killed" has no delivery.

    Those in vain hold a retry rule that goes by no clock, where no other is given.
    """
    made = []
    about = {name: value for name, value in fields.items() if name in _FORWARDED}
    for seq, reason in enumerate(reasons, first):
        if reason in ("clean", "killed") or reason.startswith("upstream_"):
            made.append(forward(seq, **about))
        if reason != "killed":
            rule = {} if reason == "clean" else {"retry": "3 tries"}
            made.append(delivery(seq, reason, **{**rule, **fields}))
    return made
