"""What a replay would do with each item, and why: decided before anything is sent."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from hookgate.ledger.audit.fate import Fate
from hookgate.policy.rejudging import Rejudging
from hookgate.quarantine.encryption import Identities
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.items import Items

from .evidence import Evidence
from .items import DamagedError, Opened, body_of, open_item

# A head of at most 1 MiB, and 16 bytes of encryption for each 64 KiB.
_BESIDE_BODY = 2 << 20


class Verdict(StrEnum):
    """Name what a replay does with an item. What it neither sends nor releases is left."""

    SEND = "send"
    DELIVERED = "delivered"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    RETRYING = "retrying"
    UNRECORDED = "unrecorded"
    DAMAGED = "damaged"
    BEYOND_LIMIT = "beyond_limit"
    # Of a fleet's items alone.
    CLAIMED = "claimed"
    SAME = "same"


class Asked(NamedTuple):
    """What is to be sent although it may double, or although no ledger tells of it; and how many
    items at most, None for all.
    """

    unknown: bool = False
    retrying: bool = False
    override: bool = False
    limit: int | None = None


class Planned(NamedTuple):
    """What is to become of an item. `kept` is the SHA-256 of its file, "" where it is not read.

    `why` is the reason code of a refusal, or what is damaged in words. `until` is when its sender
    gives up, in seconds since 1970, None where that is not known.
    """

    entry: Entry
    verdict: Verdict
    why: str = ""
    kept: str = ""
    until: float | None = None

    @property
    def sha256(self) -> str:
        """The SHA-256 of the body in hex, as the item's name says it."""
        return body_of(self.entry)


def plan(
    store: Items,
    entries: Iterable[Entry],
    identities: Identities,
    evidence: Evidence,
    policy: Rejudging,
    asked: Asked,
    now: float,
) -> Iterator[Planned]:
    """Plan what becomes of each item, one at a time; one that is gone meanwhile is left out.

    `now` is in seconds since 1970.
    """
    sent = 0
    for entry in entries:
        if entry.size > policy.max_body + _BESIDE_BODY:  # of another hand; it is not read
            yield Planned(entry, Verdict.DAMAGED, "is larger than any item that could be sent")
            continue
        try:
            opened = open_item(store, entry, identities)
        except DamagedError as error:
            if not error.gone:
                yield Planned(entry, Verdict.DAMAGED, str(error))
            continue
        planned = _plan_one(entry, opened, evidence, policy, asked, now)
        if planned.verdict is Verdict.SEND:
            if asked.limit is not None and sent >= asked.limit:
                planned = planned._replace(verdict=Verdict.BEYOND_LIMIT)
            sent += 1
        yield planned


def _plan_one(
    entry: Entry,
    opened: Opened,
    evidence: Evidence,
    policy: Rejudging,
    asked: Asked,
    now: float,
) -> Planned:
    recorded, fate, until = evidence.of(opened, now)

    def planned(verdict: Verdict, why: str = "") -> Planned:
        return Planned(entry, verdict, why, opened.kept, until)

    if not (recorded or asked.override):
        return planned(Verdict.UNRECORDED)
    if fate is Fate.DELIVERED:
        return planned(Verdict.DELIVERED)
    finding = policy.judge(opened.head, opened.item.body).finding
    if finding is not None:
        return planned(Verdict.REFUSED, finding.reason.code)
    if fate is Fate.UNKNOWN and not asked.unknown:
        return planned(Verdict.UNKNOWN)
    if fate is Fate.RETRYING and not asked.retrying:
        return planned(Verdict.RETRYING)
    return planned(Verdict.SEND)
