"""What one gate tells of itself to whoever looks at it, beside what it counts."""

from typing import TypedDict

from hookgate.ledger.writing.standing import LedgerStanding

from .state import Desk
from .undelivered import Entry


class GateStatus(TypedDict):
    """One gate's process, its ledger, and its last requests that were not delivered.

    It survives pickle in another version of the program. `worker` is its number, None where it is
    the only one; `started` is in seconds since 1970, `path` that of its ledger.
    """

    worker: int | None
    pid: int
    boot: str
    started: float
    policy: str
    path: str
    ledger: LedgerStanding
    not_delivered: list[Entry]


def take_status(worker: int | None, pid: int, started: float, desk: Desk) -> GateStatus:
    """Tell how a gate is now."""
    return {
        "worker": worker,
        "pid": pid,
        "boot": desk.boot,
        "started": started,
        "policy": desk.compiled.policy.fingerprint,
        "path": desk.compiled.config.audit.path,
        "ledger": desk.journal.standing(),
        "not_delivered": desk.undelivered.entries(),
    }
