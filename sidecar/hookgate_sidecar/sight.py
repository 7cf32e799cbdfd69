"""What is to be seen of all workers at once, or of a process that has none."""

from typing import NamedTuple

from hookgate.gate.metrics import Snapshot
from hookgate.gate.status import GateStatus
from hookgate.gate.undelivered import Entry


class Sight(NamedTuple):
    """What they count and show, as far as they were heard.

    `silent` are the numbers of workers that did not answer this time, `gone` what requests those
    had shown that have ended.
    """

    snapshots: list[Snapshot]
    gates: list[GateStatus]
    silent: frozenset[int] = frozenset()
    gone: tuple[Entry, ...] = ()
