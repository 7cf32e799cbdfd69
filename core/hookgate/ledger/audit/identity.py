"""What an event is: its body. Its SHA-256 stands for it; all else are names to search by.

No member of an event names it. A `reference` may be that of a message which several events are
about, and what the provider sends again is taken to be the same bytes. An attempt whose body was
not read whole has no SHA-256, and belongs to no event.
"""

import re

from hookgate.ledger.record import Record
from hookgate.networks.addresses import parse_address
from hookgate.networks.range_set import RangeSet
from hookgate.policy import Reason

from .explain import STATIONS

# The fields that an event, or one attempt at it, may be asked for by.
NAMES = ("reference", "event_reference", "request_id", "sha256")

# As a person may write the SHA-256 of a body: also as the `webhook-id` that goes upstream.
_DIGEST = re.compile(r"(?:evt_)?([0-9A-Fa-f]{64})")
_NO_EVENT = frozenset((*STATIONS["signature"], *STATIONS["document"]))
FOREIGN = frozenset(STATIONS["source"])
# The ends of requests that were never forwarded.
_NOT_FORWARDED = frozenset(
    code for name, codes in STATIONS.items() if name not in ("ledger", "upstream") for code in codes
)
# Nobody is told so who has not passed the check of the source.
_PAST_SOURCE = frozenset(
    code
    for name, codes in STATIONS.items()
    if name not in ("http", "source")
    for code in (*codes, Reason.CLEAN.code)
)
NO_RANGES = RangeSet(())
_MOST_CLIENTS = 10_000


def digest_meant(name: str) -> str:
    """Return the SHA-256 that a name may stand for, as records have it; else the name itself."""
    match = _DIGEST.fullmatch(name)
    return match[1].lower() if match else name


def digest_of(record: Record) -> str | None:
    """Return the SHA-256 of the event that a record is an attempt at; None where it has none."""
    digest = record.get("sha256")
    return digest if type(digest) is str and digest else None


def may_be_forwarded(record: Record) -> bool:
    """Tell whether a `forward`, which nginx has not, may say what this `delivery` was at."""
    reason = record.get("reason")
    is_known = type(reason) is str and reason in _NOT_FORWARDED
    return not is_known and record.get("front") != "nginx"


def has_parsed(record: Record) -> bool:
    """Tell whether the body of a `delivery` was read as an event, as far as its reason tells.

    Of one that was no document, or that nobody signed, names may have been read, but it is another
    body than the one that they are of.
    """
    reason, observed = record.get("reason"), record.get("observed")
    codes = (reason, *observed) if type(observed) is list else (reason,)
    return not any(type(code) is str and code in _NO_EVENT for code in codes)


class Unread:
    """Count the attempts from inside the ranges that belong to no event.

    `count` is all of them, `undelivered` those that were not delivered. `allowed` are the ranges;
    whoever got past the check of the source is inside whatever they are.
    """

    def __init__(self, allowed: RangeSet = NO_RANGES) -> None:
        self.count = 0
        self.undelivered = 0
        self._allowed = allowed
        self._inside: dict[str, bool] = {}

    def clear(self) -> None:
        """Set the counts to 0."""
        self.count = self.undelivered = 0

    def add(self, record: Record) -> None:
        """Count a `delivery` or `forward` without SHA-256, or a sum of them."""
        count: object = 1
        if record["event"] == "refusals":
            count = record.get("count") if self._is_sum_inside(record) else 0
        elif record["event"] == "delivery" and not self._is_inside(record):
            return
        if type(count) is int and count > 0:
            self.count += count
            self.undelivered += count if record.get("outcome") != "delivered" else 0

    def _is_sum_inside(self, record: Record) -> bool:
        reason = record.get("reason")
        return type(reason) is str and reason in _PAST_SOURCE

    def _is_inside(self, record: Record) -> bool:
        client, reason = record.get("client"), record.get("reason")
        if type(client) is not str or type(reason) is not str or reason in FOREIGN:
            return False
        return reason in _PAST_SOURCE or self._is_allowed(client)

    def _is_allowed(self, client: str) -> bool:
        known = self._inside.get(client)
        if known is None:
            address = parse_address(client)
            known = address is not None and address in self._allowed
            if len(self._inside) < _MOST_CLIENTS:
                self._inside[client] = known
        return known
