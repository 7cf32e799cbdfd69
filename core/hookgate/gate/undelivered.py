"""The last requests that were not delivered, for whoever looks at a gate while it runs."""

from collections import deque
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from hookgate.ledger.record import Record

Entry = dict[str, Any]

MOST = 50
# Of those, foreign ones and near misses have so many places each, however many come: the others
# are what somebody has to see to.
MOST_FOREIGN = 10
MOST_NEAR = 10

_TOLD = (
    *("boot", "request_id", "outcome", "reason", "status", "method", "path", "route"),
    *("client", "channel", "event_type", "upstream_status", "upstream_error"),
)


class Undelivered:
    """Remember the records of one gate's last ones, in bounded memory.

    They hold what the ledger does.
    """

    def __init__(self) -> None:
        self._others: deque[Record] = deque(maxlen=MOST)
        self._foreign: deque[Record] = deque(maxlen=MOST_FOREIGN)
        self._near: deque[Record] = deque(maxlen=MOST_NEAR)

    def add(self, record: Record, *, foreign: bool) -> None:
        """Remember the `delivery` of one that has ended."""
        if not foreign:
            self._others.append(record)
        elif "near" in record:
            self._near.append(record)
        else:
            self._foreign.append(record)

    def entries(self) -> list[Entry]:
        """Return what is told of each, the newest of a kind first."""
        told = [_entry(record, foreign=False) for record in reversed(self._others)]
        for records in (self._near, self._foreign):
            told += [_entry(record, foreign=True) for record in reversed(records)]
        return told


def _entry(record: Record, *, foreign: bool) -> Entry:
    entry: Entry = {"time": record["ts"], **{name: record.get(name) for name in _TOLD}}
    errors = entry["errors"] = record.get("errors") or []
    pointer, is_found, _ = errors[0].partition(": ") if errors else ("", "", "")
    entry["pointer"] = pointer if is_found and pointer.startswith("/") else None
    entry["kept"] = record.get("kept") is not None
    entry["foreign"] = foreign
    entry["near"] = record.get("near") or []
    return entry


def latest(entries: Iterable[Entry]) -> list[Entry]:
    """Return the last ones of all gates, the newest first, no more than one gate remembers."""
    room = {"others": MOST, "foreign": MOST_FOREIGN, "near": MOST_NEAR}
    chosen: list[Entry] = []
    for entry in sorted(entries, key=itemgetter("time"), reverse=True):
        kind = "near" if entry["near"] else "foreign" if entry["foreign"] else "others"
        room[kind] -= 1
        if room[kind] >= 0:
            chosen.append(entry)
    return chosen[:MOST]
