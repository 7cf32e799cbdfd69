"""What a shipper tells of itself, in a file beside the ledger that others may read.

The gate does not need it: without it, or with something else in it, there is nothing to tell.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from hookgate.files import FileError, read_file, replace_file

SUFFIX = ".shipping"
FINDINGS = ("fork", "cut", "lost")
# A shipper tells at least each ten seconds; one that has not for so long is gone.
SILENT_SECONDS = 30.0
_FORMAT = 1
_LONGEST_TEXT = 200


class Shipping(NamedTuple):
    """How far a shipper is. Times are in seconds since 1970.

    `store` is why the store cannot be used, "" where it can. `unsent_since` is when the oldest line
    was written that the store is not known to have, None where it has all. `behind` is in bytes.
    `lines` and what was found are counted since it started.
    """

    told: float
    gate: str
    pid: int
    has_ended: bool
    store: str
    unsent_since: float | None
    behind: int
    lines: int
    forks: int
    cuts: int
    lost: int

    def is_running(self, now: float) -> bool:
        """Tell whether it was heard of a short while ago, and did not say that it ends."""
        return not self.has_ended and now - self.told < SILENT_SECONDS

    def lag(self, now: float) -> float:
        """Return for how many seconds the ledger may hold lines that the store lacks.

        Of a shipper that is gone nothing is known that was written since it was heard of.
        """
        since = self.unsent_since
        if since is None:
            since = now if self.is_running(now) else self.told
        return max(0.0, now - since)

    @property
    def findings(self) -> dict[str, int]:
        """What was found, by kind as `hookgate fleet status` has it."""
        return dict(zip(FINDINGS, (self.forks, self.cuts, self.lost), strict=True))


def shipping_path(ledger: Path) -> Path:
    """Name the file: `audit.shipping` of `audit.jsonl`, `audit.log.shipping` of others."""
    return ledger.with_name(ledger.name.removesuffix(".jsonl") + SUFFIX)


def is_told(name: str) -> bool:
    """Tell whether a file beside a ledger is this one, or is about to be."""
    return name.endswith((SUFFIX, f"{SUFFIX}.new"))


def write_shipping(path: Path, shipping: Shipping) -> None:
    """Replace the file. Raises OSError."""
    since = shipping.unsent_since
    told: dict[str, Any] = {
        "format": _FORMAT,
        "told": _write_time(shipping.told),
        "gate": shipping.gate,
        "pid": shipping.pid,
        "ended": shipping.has_ended,
        "store": "".join(c if c.isprintable() else "?" for c in shipping.store)[:_LONGEST_TEXT],
        "unsent_since": None if since is None else _write_time(since),
        "behind_bytes": shipping.behind,
        "lines": shipping.lines,
        "forks": shipping.forks,
        "cuts": shipping.cuts,
        "lost": shipping.lost,
    }
    replace_file(path, orjson.dumps(told) + b"\n")


def read_shipping(path: Path) -> Shipping | None:
    """Read the file; None where it is not there or holds something else."""
    try:
        told = orjson.loads(read_file(str(path)).data)
        if told["format"] != _FORMAT:
            return None
        since = told["unsent_since"]
        return Shipping(
            _read_time(told["told"]),
            _text(told["gate"]),
            _count(told["pid"]),
            told["ended"] is True,
            _text(told["store"]),
            None if since is None else _read_time(since),
            *(_count(told[name]) for name in ("behind_bytes", "lines", "forks", "cuts", "lost")),
        )
    except (FileError, ArithmeticError, LookupError, TypeError, ValueError):
        return None


def _write_time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _read_time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise ValueError(value)
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError(value)
    return value
