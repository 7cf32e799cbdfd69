"""What is news of an alarm that stands, and how often one that comes and goes is told."""

import json

import pytest

from hookgate.alarms.notice import Severity
from hookgate.alarms.sight import AdminSight, LedgerSight
from hookgate.certificate_dates import Validity
from hookgate.quarantine.entry import Usage
from support.watching import DAY, HOUR, MINUTE, NOON, Scene, alone

UP, DOWN = AdminSight(""), AdminSight("Connection refused")


def minutes(scene: Scene, count: int) -> list[int]:
    """In which of so many minutes something was told, from 1."""
    return [minute for minute in range(1, count + 1) if scene.after(MINUTE)]


def hour_at_the_edge(scene: Scene, **sights: tuple[object, object]) -> int:
    """How many notices an hour brings in which, each second, something is so or not."""
    told = 0
    for second in range(3600):
        seen = {name: both[second % 2] for name, both in sights.items()}
        told += len(scene.after(1, **seen))
    return told


def test_what_comes_and_goes_each_second_does_not_flood_a_phone() -> None:
    """Of whatever condition: a quarantine at its bound, a ledger on a share that comes and goes."""
    nearly, less = Usage(9_000, 0, None, 0), Usage(8_999, 0, None, 0)
    path = "/ledger/audit.jsonl"
    lost, there = LedgerSight(path, "Stale file handle"), LedgerSight(path)
    assert hour_at_the_edge(alone("quarantine_full"), usage=(nearly, less)) <= 16
    assert hour_at_the_edge(alone("ledger_unread"), ledgers=((lost,), (there,))) <= 16


def test_what_comes_back_now_and_then_is_told_at_once_and_so_is_its_end() -> None:
    scene = alone("stopped")
    for _ in range(6):
        scene.after(admin=DOWN)
        assert scene.after(2 * MINUTE) == ["stopped"]
        assert scene.after(1, admin=UP) == ["-stopped"]
        scene.after(25 * MINUTE)
        scene.restart()
        scene.after(40 * MINUTE)


def test_the_end_of_what_came_back_thrice_waits_and_comes() -> None:
    scene = alone("stopped")
    told = []
    for _ in range(4):
        scene.after(admin=DOWN)
        told += scene.after(2 * MINUTE) + scene.after(1, admin=UP)
        scene.restart()
    assert told == ["stopped", "-stopped", "stopped", "-stopped", "stopped"]
    assert scene.watcher.stands
    assert minutes(scene, 10) == [1]
    assert not scene.watcher.stands


def test_what_becomes_critical_is_told_at_once_and_its_end_to_who_heard_of_that() -> None:
    scene = alone("certificate")
    key = "sidecar.tls_cert"
    scene.after(validities={key: Validity(0.0, NOON + 5 * MINUTE)})
    assert minutes(scene, 10) == [5]
    scene.restart()
    scene.after(validities={}, unread={key: "cannot be read"})
    assert minutes(scene, 10) == []
    scene.sight = scene.sight._replace(unread={})
    scene.watcher.tick(scene.sight)
    (over,) = scene.notices
    assert over.resolved
    assert over.severity is Severity.CRITICAL


def test_another_cause_does_not_wait_for_an_hour() -> None:
    scene = alone("refusals")
    scene.events(3, "contract_violation", route="a")
    assert scene.after() == ["refusals"]
    scene.events(1, "contract_violation", route="a")
    assert minutes(scene, 6) == []
    scene.events(3, "signature_invalid", route="b")
    assert scene.after(1) == ["refusals"]
    scene.restart()
    scene.events(3, "signature_invalid", route="b")
    assert minutes(scene, 6) == []


@pytest.mark.parametrize("name", ["refusals", "lost", "endpoint"])
def test_ten_times_as_much_does_not_wait_for_an_hour(name: str) -> None:
    scene = alone(name)
    reason = "contract_violation" if name == "refusals" else "upstream_rejected"
    number = 0

    def more(count: int) -> None:
        nonlocal number
        for _ in range(count):
            number += 1
            scene.events(1, reason, sha256=f"{number:064x}", retry="1 tries")

    more(4)
    assert scene.after() == [name]
    more(35)
    assert minutes(scene, 4) == []
    more(1)
    assert scene.after(MINUTE) == [name]


def test_causes_that_never_end_are_told_ever_more_seldom() -> None:
    """Whoever knows what the provider's requests look like may send them from everywhere."""
    scene = alone("near")
    told = []
    for minute in range(1, 121):
        scene.events(1, "source_not_allowed", near=["alike"], client=f"192.0.2.{minute}")
        if scene.after(MINUTE):
            told.append(minute)
    assert told == [1, 6, 16, 36, 76]


def test_a_state_of_the_version_before_is_taken_over() -> None:
    scene = alone("stopped")
    scene.after(admin=DOWN)
    scene.after(2 * MINUTE)
    saved = json.loads(json.dumps(scene.watcher.save()))
    del saved["ended"]
    saved["standing"] = [row[:6] for row in saved["standing"]]
    scene.restart(saved)
    assert scene.after(HOUR - 1) == []
    assert scene.after(1) == ["stopped"]
    assert scene.after(DAY, admin=UP) == ["-stopped"]
