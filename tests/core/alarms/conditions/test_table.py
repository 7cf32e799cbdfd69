"""Each condition is raised and is over again, in simulated time."""

from collections.abc import Callable
from typing import Any

import pytest

from hookgate.alarms.conditions.table import make_conditions
from hookgate.alarms.sight import AdminSight, LedgerSight
from hookgate.certificate_dates import Validity
from hookgate.ledger.shipping import Shipping
from hookgate.quarantine.entry import Usage
from support.lines import Record, delivery, forward, refusals, released, start, stop
from support.watching import (
    CONDITIONS,
    DAY,
    HOUR,
    MINUTE,
    NOON,
    Scene,
    alone,
    metrics,
    watch_settings,
)

BODY = {"sha256": "ab" * 32, "retry": "1 tries"}
FINE = AdminSight("")
LEDGER = LedgerSight("/ledger/audit.jsonl")

Act = Callable[[Scene], list[str]]


def fed(*records: Record, seconds: float = 0.0) -> Act:
    def act(scene: Scene) -> list[str]:
        scene.feed(*records)
        return scene.after(seconds)

    return act


def seen(seconds: float = 0.0, **sight: Any) -> Act:
    """Something is seen, and is so for so long."""

    def act(scene: Scene) -> list[str]:
        return scene.after(**sight) + (scene.after(seconds) if seconds else [])

    return act


def some(reason: str, count: int = 3, **fields: Any) -> Act:
    return fed(*(delivery(number, reason, **fields) for number in range(count)))


def busy(scene: Scene) -> list[str]:
    """Two days with an event each minute; then none for a quarter of an hour."""
    for _ in range(2 * 24 * 60):
        scene.events(1)
        assert scene.after(MINUTE) == []
    return scene.after(15 * MINUTE)


def unlocked(scene: Scene) -> list[str]:
    """The gate is killed: it says nothing, and nobody has its ledger locked any more."""
    scene.after(ledgers=(LEDGER._replace(is_locked=True),))
    scene.after(ledgers=(LEDGER._replace(is_locked=False),))
    return scene.after(2 * MINUTE)


def later(scene: Scene) -> list[str]:
    """The clock says that most of a year has passed."""
    scene.jumped = 300 * DAY
    return scene.after()


def earlier(scene: Scene) -> list[str]:
    """It was set wrongly."""
    scene.jumped = 0.0
    return scene.after()


def admin(**values: float) -> AdminSight:
    return AdminSight("", metrics=metrics(**values))


def ships(**said: Any) -> Act:
    """A shipper tells of itself; without more, that the store has all."""

    def act(scene: Scene) -> list[str]:
        told = Shipping(NOON + scene.elapsed, "gate1", 7, False, "", None, 0, 0, 0, 0, 0)
        return scene.after(shipping=told._replace(**said))

    return act


def died(scene: Scene) -> list[str]:
    """A shipper is heard of no more, without a word."""
    ships()(scene)
    scene.after(MINUTE)
    return scene.after(10 * MINUTE)


CUSTODY, EMPTY = Usage(3, 1000, NOON, 3), Usage(0, 0, None)
# What raises it, and what ends it.
CASES: list[tuple[str, Act, Act]] = [
    ("silence", busy, some("clean", 1)),
    ("lost", some("upstream_rejected", 1, **BODY), seen(2 * HOUR)),
    ("lost", some("upstream_rejected", 1, **BODY), some("clean", 1, **BODY)),
    ("lost", some("upstream_timeout", 1, **BODY), fed(released("replayed", sha256=BODY["sha256"]))),
    ("lost", fed(start(), forward(1, sha256="cd" * 32), start()), seen(2 * HOUR)),
    ("lost", fed(released("expired", sha256="cd" * 32)), seen(2 * HOUR)),
    ("endpoint", some("upstream_unreachable"), fed(*(delivery(n) for n in range(60)))),
    (
        "endpoint",
        some("clean", upstream_error="closed_early"),
        lambda s: [*some("clean", 1)(s), *s.after(HOUR)],
    ),
    ("refusals", some("contract_violation"), seen(HOUR)),
    ("refusals", fed(refusals(1, 9, 9, reason="method_not_allowed")), seen(HOUR)),
    (
        "near",
        some("source_not_allowed", 1, near=["watched"], client="185.162.145.7"),
        seen(2 * HOUR),
    ),
    ("gate_fails", some("overloaded"), seen(HOUR)),
    ("ledger_fails", some("audit_unavailable", 1), seen(HOUR)),
    ("ledger_fails", fed(refusals(1, 9, 9, cause="audit_unavailable")), seen(HOUR)),
    ("ledger_fails", seen(admin=admin(ledger_available=0)), seen(admin=admin(ledger_available=1))),
    ("ledger_gone", fed({"event": "gap", "first_n": 7, "last_n": 9}), seen(2 * HOUR)),
    (
        "ledger_gone",
        seen(10, ledgers=(LEDGER._replace(gone=(LEDGER.path,)),)),
        seen(ledgers=(LEDGER,)),
    ),
    (
        "ledger_unread",
        seen(ledgers=(LEDGER._replace(trouble="it is a folder"),)),
        seen(ledgers=(LEDGER,)),
    ),
    ("ledger_unread", seen(ledgers=(LEDGER._replace(has_files=False),)), seen(ledgers=(LEDGER,))),
    ("stopped", seen(2 * MINUTE, admin=AdminSight("Connection refused")), seen(admin=FINE)),
    ("stopped", fed(start(), stop(0), seconds=2 * MINUTE), fed(start())),
    ("stopped", unlocked, seen(ledgers=(LEDGER._replace(is_locked=True),))),
    (
        "not_ready",
        seen(2 * MINUTE, admin=AdminSight("", ("the ledger cannot be written",))),
        seen(admin=FINE),
    ),
    ("restarts", fed(start(), start(), start()), seen(HOUR)),
    (
        "workers",
        seen(2 * MINUTE, admin=admin(workers=1, workers_wanted=2)),
        seen(admin=admin(workers=2, workers_wanted=2)),
    ),
    ("custody", seen(HOUR, usage=CUSTODY), seen(usage=EMPTY)),
    ("not_kept", some("contract_violation", 1, not_kept="full"), seen(HOUR)),
    ("quarantine_full", seen(usage=Usage(9_500, 1, None)), seen(usage=EMPTY)),
    ("quarantine_full", seen(usage=Usage(1, 250 << 20, None)), seen(usage=EMPTY)),
    ("quarantine_old", seen(usage=Usage(2, 1, NOON - 28 * DAY, 1)), seen(usage=EMPTY)),
    ("shipping", seen(10 * MINUTE, is_shipped=True), ships()),
    ("shipping", died, ships(has_ended=True)),
    ("shipping", ships(unsent_since=NOON - 601, store="it does not answer"), ships()),
    ("shipping", ships(cuts=1), seen(2 * HOUR)),
    (
        "certificate",
        seen(validities={"sidecar.tls_cert": Validity(0.0, NOON + 13 * DAY)}),
        seen(validities={"sidecar.tls_cert": Validity(0.0, NOON + 90 * DAY)}),
    ),
    (
        "certificate",
        seen(validities={"upstream.client_cert": Validity(0.0, NOON - 1)}),
        seen(validities={}),
    ),
    (
        "certificate",
        seen(validities={"upstream.ca_file": Validity(NOON + DAY, NOON + 90 * DAY)}),
        seen(validities={"upstream.ca_file": Validity(NOON - DAY, NOON + 90 * DAY)}),
    ),
    ("certificate", seen(unread={"sidecar.tls_cert": "cannot be read"}), seen(unread={})),
    ("ranges", later, earlier),
]


@pytest.mark.parametrize(("name", "begin", "end"), CASES, ids=lambda value: str(value)[:16])
def test_each_alarm_is_told_once_and_is_over_once(name: str, begin: Act, end: Act) -> None:
    scene = alone(name)
    assert begin(scene) == [name]
    assert scene.after(1) == []
    assert end(scene)[-1:] == [f"-{name}"]
    assert scene.after(1) == []
    assert not scene.watcher.stands


def test_every_condition_has_a_case_and_a_key() -> None:
    assert {name for name, _, _ in CASES} == set(CONDITIONS)
    assert sorted(make_conditions(watch_settings())) == sorted(CONDITIONS)


@pytest.mark.parametrize("name", CONDITIONS)
def test_what_is_off_tells_nothing(name: str) -> None:
    scene = Scene(watch_settings(**{f"alarm__{other}": "off" for other in CONDITIONS}))
    for case, begin, _ in CASES:
        if case == name and name != "silence":
            assert begin(scene) == []


@pytest.mark.parametrize(("name", "begin", "end"), CASES, ids=lambda value: str(value)[:16])
def test_what_is_known_goes_on_over_a_restart(name: str, begin: Act, end: Act) -> None:
    """In the middle of an alarm: none is told twice, and its end is told."""
    scene = alone(name)
    assert begin(scene) == [name]
    scene.restart()
    assert scene.after(1) == []
    assert end(scene)[-1:] == [f"-{name}"]


def test_a_summary_fits_on_a_phone_and_holds_no_value_of_a_sender() -> None:
    """Whatever a record says in a member that a sender chose."""
    scene = Scene(watch_settings(alarm__gate="g" * 100))
    canary = "+31600000000"
    chosen = dict.fromkeys(("path", "reference", "from", "to", "event_reference", "method"), canary)
    for reason in ("contract_violation", "upstream_timeout", "overloaded", "audit_unavailable"):
        scene.events(
            5, reason, errors=[canary], names=[canary], upstream_error=canary, **BODY, **chosen
        )
    scene.events(9, "source_not_allowed", near=["watched", canary], client="192.0.2.1", **chosen)
    scene.feed(*(start(replaces=canary) for _ in range(5)))
    scene.after()
    scene.watcher.tick(scene.sight._replace(validities={"sidecar.tls_cert": Validity(0.0, 0.0)}))
    scene.elapsed += HOUR
    scene.watcher.tick(scene.sight)
    for reminder in (False, True):
        scene.elapsed += HOUR * reminder
        scene.watcher.tick(scene.sight)
    assert canary not in repr(scene.notices)
    assert scene.notices
    assert all(len(f"[CRITICAL] {n.gate}: {n.summary}") <= 100 for n in scene.notices)
