"""What is wrong is named in one sentence, from answers alone."""

from typing import Any

import pytest

from hookgate.live.cause import Level
from hookgate.live.gate import Gate
from hookgate.live.picture import make_picture
from support.answers import NOON, Site, moment

JUNK = [None, [], 7, "x", {"a": "b"}, -1, 2**70, True, [None]]


def watched(site: Site, gate: Gate | None = None, seconds: float = 1.0, **members: Any) -> Gate:
    """A gate that was asked once more."""
    gate = gate or Gate("127.0.0.1:9180")
    gate.note(site.now(seconds, **members), site.at)
    return gate


def said(gate: Gate) -> list[str]:
    """What is wrong, as it is told."""
    return [cause.what for cause in gate.standing()]


def test_nothing_is_wrong_while_all_is_delivered() -> None:
    site = Site()
    gate = watched(site)
    for _ in range(120):
        site.deliver(3)
        watched(site, gate)
    assert gate.standing() == []
    assert gate.ended(site.at) == []


@pytest.mark.parametrize(
    ("outcome", "reason", "row", "name", "sentence"),
    [
        (
            "failed",
            "upstream_unreachable",
            {"error": "refused"},
            "endpoint",
            (
                "The endpoint fails since 10:00:01 UTC, 3 of 3 events: nothing listens at the"
                " endpoint's address and port, or a firewall refuses the connection."
            ),
        ),
        (
            "failed",
            "upstream_rejected",
            {"upstream_status": 500},
            "endpoint",
            (
                "The endpoint rejects events since 10:00:01 UTC, 3 of 3 events: its last answer was"
                " 500."
            ),
        ),
        (
            "refused",
            "contract_violation",
            {"pointer": "/channel", "route": "cm-events"},
            "refusals",
            (
                "The policy refuses what comes from inside the ranges since 10:00:01 UTC: 3 of 3"
                " requests, for contract_violation at /channel (contract cm-events)."
            ),
        ),
        (
            "failed",
            "overloaded",
            {},
            "gate_fails",
            (
                "The gate itself answers 503 since 10:00:01 UTC, 3 of 3 requests: too many"
                " connections, events under way or bytes held."
            ),
        ),
    ],
)
def test_what_happens_again_and_again(
    outcome: str, reason: str, row: dict[str, Any], name: str, sentence: str
) -> None:
    site = Site()
    gate = watched(site)
    site.end(outcome, reason, 3, **row)
    watched(site, gate)
    (cause,) = gate.standing()
    assert (cause.name, cause.what.replace("10:00:00", "10:00:01")) == (name, sentence)
    assert cause.first


def test_an_endpoint_fails_until_it_delivers_again() -> None:
    """However long nothing comes meanwhile; then it is told as over, with its times."""
    site = Site()
    gate = watched(site)
    for _ in range(3):
        site.end("failed", "upstream_unreachable", error="refused")
        watched(site, gate)
    watched(site, gate, seconds=600)
    assert [cause.name for cause in gate.standing()] == ["endpoint"]
    site.deliver()
    watched(site, gate)
    assert gate.standing() == []
    (over,) = gate.ended(site.at)
    assert (over.name, over.since, over.until) == ("endpoint", NOON + 1, NOON + 4)


def test_what_has_failed_before_the_first_look_is_told_if_it_is_fresh() -> None:
    """Refusals of a minute; the endpoint's failures since it delivered last."""
    site = Site()
    site.end("refused", "contract_violation", 5)
    site.deliver()
    site.now(3600)
    site.end("failed", "upstream_unreachable", 2, error="refused")
    gate = watched(site, seconds=300)
    assert [cause.name for cause in gate.standing()] == ["endpoint"]
    assert said(gate)[0].startswith("The endpoint failed 2 events, the last at 11:00:00 UTC")


def test_a_first_look_takes_no_failure_before_a_delivery_for_one_that_lasts() -> None:
    """How many were delivered between, it does not know, and does not say."""
    site = Site()
    site.end("failed", "upstream_unreachable", 2, error="refused")
    site.now(20)
    site.deliver(5)
    gate = watched(site, seconds=2)
    assert gate.standing() == []
    (over,) = gate.ended(site.at)
    assert over.what.startswith("The endpoint failed 2 events, the last at 10:00:00 UTC")
    assert (over.since, over.until) == (NOON, NOON)
    site.end("failed", "upstream_rejected", upstream_status=500)
    assert said(watched(site, seconds=2)) == [
        "The endpoint rejects events since 10:00:22 UTC, 1 event: its last answer was 500."
    ]


def test_refusals_are_over_after_a_minute_and_explained_by_a_new_policy() -> None:
    site = Site()
    gate = watched(site)
    site.deliver()
    watched(site, gate, policy="0a0b0c")
    site.end("refused", "contract_violation")
    watched(site, gate)
    assert said(gate)[0].endswith("The policy changed at 10:00:02 UTC, to 0a0b0c.")
    site.deliver(9)
    watched(site, gate, seconds=10, policy="0d0e0f")
    (told,) = said(gate)
    assert told.startswith("The policy refused 1 of 1 request from inside the ranges, the last")
    assert told.endswith("to 0a0b0c.")
    watched(site, gate, seconds=51)
    assert gate.standing() == []
    assert [cause.name for cause in gate.ended(site.at)] == ["refusals", "changed", "changed"]


def test_a_flood_is_named_and_is_no_fault_while_events_are_delivered() -> None:
    site = Site()
    gate = watched(site)
    for _ in range(12):
        site.deliver(2)
        site.end("refused", "source_not_allowed", 400, foreign=True, client="192.0.2.7")
        watched(site, gate)
    (flood,) = gate.standing()
    assert (flood.name, flood.level) == ("flood", Level.NOTE)
    assert "400 refusals a second" in flood.what
    assert "192.0.2.7; events from inside are delivered meanwhile" in flood.what
    for _ in range(30):
        site.deliver(2)
        watched(site, gate)
    assert gate.standing() == []
    assert [cause.name for cause in gate.ended(site.at)] == ["flood"]


def test_a_scanner_is_no_flood() -> None:
    site = Site()
    gate = watched(site)
    for _ in range(30):
        site.end("refused", "source_not_allowed", 5, foreign=True)
        site.deliver()
        watched(site, gate)
    assert gate.standing() == []


def test_silence_is_told_where_events_usually_come() -> None:
    """By the last quarter of an hour; with what comes from outside in their place."""
    site = Site()
    gate = watched(site)
    for _ in range(200):
        site.deliver()
        watched(site, gate)
    watched(site, gate, seconds=9)
    assert gate.standing() == []
    site.end("refused", "source_not_allowed", 4, foreign=True)
    watched(site, gate, seconds=30)
    (silence,) = gate.standing()
    assert silence.name == "silence"
    assert "events usually come in 40 s; 4 requests came from outside" in silence.what


def test_a_quiet_gate_is_not_silent() -> None:
    site = Site()
    gate = watched(site)
    for _ in range(5):
        site.deliver()
        watched(site, gate, seconds=60)
    watched(site, gate, seconds=240)
    assert gate.standing() == []


def test_a_balancer_that_nobody_named_is_told() -> None:
    """Nothing was ever delivered, and all that comes is foreign."""
    site = Site()
    gate = watched(site)
    site.end("refused", "source_not_allowed", 12, foreign=True)
    watched(site, gate)
    assert "source.trusted_proxies" in said(gate)[0]


def test_a_near_miss_is_told_with_its_client() -> None:
    site = Site()
    gate = watched(site)
    site.end("refused", "source_not_allowed", foreign=True, near=["watch"], client="198.51.100.4")
    watched(site, gate, near_misses={"total": 1, "last": moment(site.at)})
    (told,) = said(gate)
    assert told.startswith("A sender outside the ranges, 198.51.100.4, looks like CM.com and was")


@pytest.mark.parametrize(
    ("members", "name", "part"),
    [
        ({"ledger": {"writable": False}, "ready": False,
          "why_not": ["the ledger cannot be written"]}, "ledger_fails", "The ledger cannot be"),
        ({"ready": False, "why_not": ["it drains"]}, "not_ready", "since 10:00:02 UTC: it drains."),
        ({"degraded": ["worker 2: died"]}, "workers", "worker 2: died"),
        ({"workers": [{"worker": 2, "boot": "b2", "answers": False}]}, "workers", "answer since"),
        ({"quarantine": {"usable": False}}, "quarantine", "is not kept"),
        ({"quarantine": {"items": 95, "max_items": 100}}, "quarantine", "95 of 100 items"),
        ({"quarantine": {"custody_items": 1}}, "custody", "1 event answered 200"),
        ({"shipping": {"running": False}}, "shipping", "hookgate ship does not run"),
        ({"shipping": {"running": True, "lag_seconds": 90}}, "shipping", "lags"),
        ({"shipping": {"findings": {"fork": 2, "cut": 0}}}, "shipped", "this gate: 2 fork."),
        ({"observing": ["contract"]}, "observing", "only observes contract"),
    ],
)  # fmt: skip
def test_what_an_answer_tells_by_itself(members: dict[str, Any], name: str, part: str) -> None:
    """Since it was seen first, and over once it is not so."""
    site = Site()
    gate = watched(site)
    healthy = {member: site.answer[member] for member in members if member in site.answer}
    for _ in range(3):
        watched(site, gate, **members)
    (cause,) = gate.standing()
    assert (cause.name, cause.since) == (name, NOON + 2)
    assert part in cause.what
    watched(site, gate, **({"shipping": None} | healthy))
    assert gate.standing() == []
    assert [over.name for over in gate.ended(site.at)] == [name]


@pytest.mark.parametrize(
    ("members", "name", "sentence"),
    [
        (
            {"ledger": {"missing": 3}},
            "ledger_gone",
            "3 lines of the ledger went missing at 10:00:02",
        ),
        ({"quarantine": {"not_kept": 1}}, "not_kept", "1 request that should be in the quarantine"),
    ],
)
def test_what_is_lost_is_told_for_a_while(
    members: dict[str, Any], name: str, sentence: str
) -> None:
    """When its count grows; what was counted before the first look is not told."""
    site = Site()
    gate = watched(site, **members)
    assert gate.standing() == []
    member, counts = next(iter(members.items()))
    more: dict[str, Any] = {member: {counted: 2 * n for counted, n in counts.items()}}
    watched(site, gate, **more)
    (cause,) = gate.standing()
    assert (cause.name, cause.what.startswith(sentence)) == (name, True)
    watched(site, gate, seconds=901)
    assert gate.standing() == []


def test_a_gate_that_does_not_answer_hides_what_else_was_wrong() -> None:
    """Nobody knows whether it still is. Once it answers, that is over, and the start is told."""
    site = Site()
    gate = watched(site)
    site.end("failed", "upstream_unreachable", error="refused")
    watched(site, gate)
    for second in (1, 2, 3):
        gate.note("Connection refused", site.at + second)
    (stopped,) = gate.standing()
    assert stopped.what == "The gate does not answer since 10:00:03 UTC: Connection refused."
    boots = [{"worker": None, "pid": 8, "boot": "b2", "answers": True}]
    watched(site, gate, seconds=5, workers=boots)
    over = [cause.what for cause in gate.ended(site.at)]
    assert over == [
        "The gate has started anew at 10:00:07 UTC.",
        "The gate did not answer: Connection refused.",
    ]


def test_counts_that_fall_are_a_new_start() -> None:
    """What the new process has counted is new, and the old counts are not taken away."""
    site, anew = Site(), Site(NOON + 10)
    gate = watched(site)
    site.deliver(1000)
    watched(site, gate)
    anew.end("failed", "upstream_unreachable", 2, error="refused")
    anew.deliver(5)
    watched(anew, gate)
    assert "2 of 7 events" in said(gate)[0]


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("member", sorted(Site().now()))
def test_an_answer_of_any_form_is_no_error(member: str, junk: object) -> None:
    """It counts for nothing, and the gate is watched on."""
    site = Site()
    gate = watched(site)
    gate.note(site.now() | {member: junk}, site.at)
    gate.note(site.now(), site.at)
    make_picture([gate], site.at)


@pytest.mark.parametrize("junk", [*JUNK, "0001-01-01T00:00+23:59"])
@pytest.mark.parametrize("member", ["endpoint", "ledger", "quarantine", "near_misses", "shipping"])
def test_nor_is_one_of_its_parts(member: str, junk: object) -> None:
    site = Site()
    gate = watched(site)
    names = (
        *("errors", "answer_seconds", "writable", "last_synced", "unsynced", "oldest", "items"),
        *("max_items", "last", "total", "store", "lag_seconds", "findings", "running"),
    )
    for value in (junk, [junk], {"a": junk}):
        members: dict[str, Any] = {member: dict.fromkeys(names, value)}
        gate.note(site.now(**members), site.at)
        make_picture([gate], site.at)


def test_what_a_sender_chose_cannot_begin_a_line_or_be_long() -> None:
    site = Site()
    gate = watched(site)
    site.end("refused", "contract_violation", pointer="/\x1b[2J\n" + "x" * 500, route="{}")
    watched(site, gate)
    (told,) = said(gate)
    assert told.isprintable()
    assert len(told) < 400
