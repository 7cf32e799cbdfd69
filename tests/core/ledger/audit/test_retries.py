"""How long an event is tried, by the retry rules that its attempts tell."""

import pytest

from hookgate.config.contracts import SHIPPED_CONTRACTS, load_rules
from hookgate.ledger.audit.fate import Event, Fate
from hookgate.ledger.audit.losses import Losses
from hookgate.ledger.audit.retries import UNWRITTEN
from hookgate.ledger.audit.search import find
from hookgate.policy.contract_rules import parse_rules
from support.attempts import A, Ledger
from support.lines import Record, delivery

HOUR, DAY = 3_600, 86_400
NOON = 1_795_348_800.0
TIMES = {70: "1970-01-01T00:01:10.000000Z", 9998: "9998-12-31T12:00:00.000000Z"}


def made(*tries: tuple[int | None, Record]) -> list[Record]:
    """Refusals of one event, each on its day and with the members that tell its rule."""
    return [
        delivery(
            seq,
            "contract_violation",
            **{"ts": day and TIMES.get(day, f"2026-11-{day}T12:00:00.000000Z"), **A, **rule},
        )
        for seq, (day, rule) in enumerate(tries, 1)
    ]


def event_of(records: list[Record], now: float) -> Event:
    """The event, as a search finds it; a reading of the whole ledger agrees."""
    ledger = Ledger(*records)
    (event,) = find(ledger, ["r-1"], now=now).stories[0].events
    losses = Losses(now=now)
    for record in records:
        losses.add(record)
    is_lost = event.fate is Fate.LOST
    assert [found.fate for found in losses.confirm(ledger)] == [Fate.LOST] * is_lost
    assert dict(losses.left_open) == ({} if is_lost else {event.fate: 1})
    return event


BOTH: Record = {"retry": "3 tries, 24h"}
MONTH: Record = {"retry": "30d"}
TRIES: Record = {"retry": "3 tries"}
OLD: Record = {"route": "cm-events"}
OWN: Record = {"route": "own.json"}


@pytest.mark.parametrize(
    ("tries", "now", "fate", "until", "left"),
    [
        # Whichever ends first.
        ([(22, BOTH)], NOON + HOUR, Fate.RETRYING, NOON + DAY, 2),
        ([(22, BOTH)], NOON + DAY - 1, Fate.RETRYING, NOON + DAY, 2),
        ([(22, BOTH)], NOON + DAY, Fate.LOST, None, None),
        ([(22, BOTH)] * 3, NOON + 1, Fate.LOST, None, None),
        # By time alone, however often; by tries alone, however late.
        ([(22, MONTH)] * 3, NOON + HOUR, Fate.RETRYING, NOON + 30 * DAY, None),
        ([(22, MONTH)] * 1200, NOON + 29 * DAY, Fate.RETRYING, NOON + 30 * DAY, None),
        ([(22, MONTH)] * 3, NOON + 30 * DAY, Fate.LOST, None, None),
        ([(22, TRIES)] * 2, NOON + 999 * DAY, Fate.RETRYING, None, 1),
        ([(22, TRIES)] * 3, NOON, Fate.LOST, None, None),
        # Without a rule nothing is presumed lost; what a newer version wrote is none.
        ([(22, OWN)] * 9, NOON + 999 * DAY, Fate.UNDELIVERED, None, None),
        ([(22, {})] * 9, NOON + 999 * DAY, Fate.UNDELIVERED, None, None),
        ([(22, {**OLD, "retry": "weekly"})] * 9, NOON + 999 * DAY, Fate.UNDELIVERED, None, None),
        ([(22, {**OLD, "retry": "0 tries"})] * 9, NOON + 999 * DAY, Fate.UNDELIVERED, None, None),
        # Older gates wrote no rule; what is written counts.
        ([(22, OLD)] * 2, NOON + HOUR, Fate.RETRYING, NOON + DAY, 1),
        ([(22, OLD)] * 3, NOON + HOUR, Fate.LOST, None, None),
        ([(22, {**OLD, **MONTH})] * 3, NOON + HOUR, Fate.RETRYING, NOON + 30 * DAY, None),
        # The latest attempt's counts, in whatever order files are read; a fault tells none.
        ([(22, TRIES), (22, TRIES), (23, MONTH)], NOON + 9 * DAY, Fate.RETRYING, NOON + 30 * DAY,
         None),
        ([(23, MONTH), (22, TRIES), (22, TRIES)], NOON + 9 * DAY, Fate.RETRYING, NOON + 30 * DAY,
         None),
        ([(22, TRIES), (22, TRIES), (23, OWN)], NOON + 9 * DAY, Fate.UNDELIVERED, None, None),
        ([(22, MONTH), (23, TRIES), (24, {})], NOON + 3 * DAY, Fate.LOST, None, None),
        # A clock that stood wrong: before the attempts, after them, or now.
        ([(70, MONTH), (22, MONTH)], NOON + HOUR, Fate.RETRYING, NOON + 30 * DAY, None),
        ([(22, MONTH), (70, MONTH)], NOON + 30 * DAY, Fate.LOST, None, None),
        ([(23, BOTH)], NOON, Fate.RETRYING, NOON + 2 * DAY, 2),
        ([(22, BOTH), (9998, BOTH)], NOON + 9 * DAY, Fate.RETRYING, 253_370_764_800.0, 1),
        ([(22, BOTH)], 0.0, Fate.RETRYING, NOON + DAY, 2),
        # Equal bytes, sent anew.
        ([(22, BOTH), (24, BOTH)], NOON + 2 * DAY + HOUR, Fate.RETRYING, NOON + 3 * DAY, 1),
        ([(22, BOTH), (24, BOTH)], NOON + 3 * DAY, Fate.LOST, None, None),
        ([(24, BOTH), (22, BOTH)], NOON + 2 * DAY + HOUR, Fate.RETRYING, NOON + 3 * DAY, 1),
        # No time to be read: a try, and no begin of a span.
        ([(None, BOTH)] * 2, NOON + 999 * DAY, Fate.UNDELIVERED, None, None),
        ([(None, BOTH)] * 3, NOON, Fate.LOST, None, None),
        ([(None, TRIES)], NOON, Fate.RETRYING, None, 2),
        ([(None, TRIES), (22, BOTH)], NOON + HOUR, Fate.RETRYING, NOON + DAY, 1),
        ([(22, BOTH), (None, MONTH)], NOON + HOUR, Fate.RETRYING, NOON + DAY, 1),
    ],
)  # fmt: skip
def test_an_event_is_lost_once_its_rule_has_run_out(
    tries: list[tuple[int | None, Record]],
    now: float,
    fate: Fate,
    until: float | None,
    left: int | None,
) -> None:
    """Before that it is being retried, until a time or for so many tries more."""
    event = event_of(made(*tries), now)
    assert (event.fate, event.until, event.tries_left) == (fate, until, left)
    assert event.tries == len(tries)


def test_older_gates_went_by_what_is_shipped() -> None:
    """The rules of the contracts that were there before a rule was written down."""
    shipped = {name: parse_rules(load_rules(name)).retry for name in SHIPPED_CONTRACTS}
    assert UNWRITTEN.items() <= shipped.items()
