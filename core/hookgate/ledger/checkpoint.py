"""Checkpoints: what the operational log says of a ledger's end, once a minute and at the stop.

A chain on the gate's own disk convinces as long as nobody cuts its end off. The log goes to other
hands, a journal's or a container runtime's, and names lines that must be there.
"""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

_BOOT = re.compile(r"[^:\s]{1,64}")
_HEAD = re.compile(r"[0-9a-f]{64}")
# A path that is longer is cut: the journal takes no line of any length.
_LONGEST_PATH = 1024
_MOST_LINES = 1 << 63
# The year 9999, from where on dates of some zone cannot be printed.
_END = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class Checkpoint(NamedTuple):
    """What a boot had written: `n` lines, the last of which is called `head`, as lines name it: by
    its `mac`, or by its SHA-256 where it has none; "" where there was no line yet.

    `synced` tells whether that line was on the disk, `path` the ledger's file, `dropped` how many
    checkpoints of this process a log that nobody read had lost before, `time` when it was logged,
    in seconds since 1970, 0.0 where that cannot be read.
    """

    boot: str
    n: int
    head: str
    synced: bool
    path: str
    dropped: int
    time: float = 0.0

    def fields(self) -> dict[str, Any]:
        """Return what the event in the log has, less its time."""
        told = self._replace(path=self.path[:_LONGEST_PATH])._asdict()
        del told["time"]
        return told


def parse_checkpoint(said: dict[str, Any]) -> Checkpoint | None:
    """Make one of an event of the log, None where a member is not what a gate writes."""
    boot, n, head = said.get("boot"), said.get("n"), said.get("head")
    if type(boot) is not str or type(n) is not int or type(head) is not str:
        return None
    if not (_BOOT.fullmatch(boot) and 0 <= n < _MOST_LINES):
        return None
    if not _HEAD.fullmatch(head) if n else head:
        return None
    path, dropped = said.get("path"), said.get("dropped")
    return Checkpoint(
        boot,
        n,
        head,
        said.get("synced") is True,
        path[:_LONGEST_PATH] if type(path) is str else "",
        dropped if type(dropped) is int and 0 <= dropped < _MOST_LINES else 0,
        _seconds(said.get("timestamp")),
    )


def _seconds(text: object) -> float:
    try:
        moment = datetime.fromisoformat(text) if type(text) is str else None
    except ValueError:
        return 0.0
    # Without a zone no gate wrote it.
    seconds = moment.timestamp() if moment is not None and moment.tzinfo is not None else 0.0
    return seconds if 0 < seconds < _END else 0.0
