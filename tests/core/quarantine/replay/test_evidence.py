"""What ledgers say of kept items."""

from typing import Any

import pytest

from hookgate.ledger.audit.fate import Fate
from hookgate.policy import make_head
from hookgate.quarantine.replay.evidence import Evidence, Known
from hookgate.quarantine.replay.items import Opened
from support.lines import Record, delivery, forward, lines
from support.quarantine import make_item

BODY, OTHER, KEPT = "a" * 64, "b" * 64, "c" * 64
# Noon of the lines, an hour later and two days later.
NOON = 1_795_348_800.0
SOON, LATER = NOON + 3600, NOON + 172_800
ITEM = make_item()._replace(
    head=make_head("192.0.2.1", b"POST", b"/a?b", [(b"Host", b"h")]), request_id="b0-1"
)


def said(*records: Record, now: float = SOON) -> Known:
    return Evidence(lines(*records), [BODY]).of(Opened(ITEM, KEPT, BODY), now)


def refused(seq: int = 1, **fields: Any) -> Record:
    """A try that was kept."""
    given = {"sha256": BODY, "path": "/a", "route": "cm-events", "kept": KEPT, **fields}
    return delivery(seq, "contract_violation", **given)


def tried(seq: int, reason: str = "clean", **fields: Any) -> Record:
    return delivery(seq, reason, **{"sha256": BODY, "path": "/a", "route": "cm-events", **fields})


@pytest.mark.parametrize(
    ("changed", "recorded"),
    [
        ({}, True),
        ({"kept": OTHER}, False),
        ({"kept": None}, False),
        ({"sha256": OTHER}, False),
        ({"path": "/b"}, False),
        ({"kept": 7}, False),
        ({"ts": "yesterday"}, False),
    ],
)
def test_a_line_must_tell_of_this_file_body_and_path(
    changed: dict[str, Any], recorded: bool
) -> None:
    assert said(refused(**changed)).recorded is recorded


@pytest.mark.parametrize(
    ("records", "now", "fate"),
    [
        ([], SOON, Fate.NEVER_SEEN),
        ([refused()], SOON, Fate.RETRYING),
        ([refused()], LATER, Fate.LOST),
        ([refused(), refused(2), refused(3)], SOON, Fate.LOST),
        ([refused(route="x")], SOON, Fate.UNDELIVERED),
        ([refused(custody=True)], SOON, Fate.UNDELIVERED),
        ([refused(), tried(2)], SOON, Fate.DELIVERED),
        ([tried(2), refused()], SOON, Fate.DELIVERED),
        ([refused(), tried(2, path="/b")], SOON, Fate.RETRYING),
        ([refused(), tried(2, "upstream_timeout")], SOON, Fate.UNKNOWN),
        ([refused(), tried(2, "upstream_unreachable")], SOON, Fate.RETRYING),
        ([refused(), forward(2, sha256=BODY)], SOON, Fate.UNKNOWN),
        ([refused(), forward(2, sha256=BODY), tried(2)], SOON, Fate.DELIVERED),
        ([refused(), forward(2, sha256=OTHER)], SOON, Fate.RETRYING),
        # A fault left the record of what was forwarded with nothing but its number.
        ([refused(), forward(2, sha256=BODY), delivery(2)], SOON, Fate.DELIVERED),
        # Replays are no tries of a sender, and of another item they say nothing.
        ([refused(), tried(2, "upstream_rejected", replay_of="b0-1")] * 2, SOON, Fate.RETRYING),
        ([refused(), tried(2, replay_of="b0-1")], SOON, Fate.DELIVERED),
        ([refused(), tried(2, replay_of="b0-9")], SOON, Fate.RETRYING),
        ([refused(), forward(2, sha256=BODY, replay_of="b0-1")], SOON, Fate.UNKNOWN),
        ([refused(), forward(2, sha256=BODY, replay_of="b0-9")], SOON, Fate.RETRYING),
    ],
)
def test_what_became_of_its_event(records: list[Record], now: float, fate: Fate) -> None:
    assert said(*records, now=now).fate is fate


def test_until_when_it_is_retried() -> None:
    assert said(refused()).until == NOON + 86_400
    assert said(refused(), now=LATER).until is None


def test_lines_that_are_no_records_are_told() -> None:
    told: list[str] = []
    Evidence(
        lines(b"x", refused(sha256=[]), refused(request_id=[1]), refused()),
        [BODY],
        lambda line: told.append(line.problem),
    )
    assert len(told) == 3
