"""What is told, how often, and what a day of noise raises."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.alarms.sight import AdminSight
from hookgate.ledger.record import FIELDS
from support.examples import many
from support.lines import refusals
from support.watching import DAY, HOUR, MINUTE, NOON, Scene

DOWN, UP = AdminSight("Connection refused"), AdminSight("")


def test_an_alarm_that_lasts_is_told_again_each_hour() -> None:
    scene = Scene()
    scene.after(admin=DOWN)
    told = [scene.after(MINUTE) for _ in range(180)]
    assert [minute for minute, names in enumerate(told, 1) if names] == [2, 62, 122]
    assert scene.after(admin=UP) == ["-stopped"]


def test_a_reminder_says_what_is_so_by_now_and_since_when() -> None:
    scene = Scene()
    scene.after(admin=DOWN)
    scene.elapsed += 2 * MINUTE
    scene.watcher.tick(scene.sight)
    scene.elapsed += HOUR
    scene.watcher.tick(scene.sight)
    first, second = scene.notices
    assert "for 2 min" in first.summary
    assert "for 62 min" in second.summary
    assert first.began == second.began
    assert first.began.timestamp() == NOON + 2 * MINUTE
    assert first.advice.startswith("Start it: as it was started before. Then look why")


def test_the_end_says_when_it_was() -> None:
    scene = Scene()
    scene.after(admin=DOWN)
    scene.after(2 * MINUTE)
    scene.elapsed += MINUTE
    scene.watcher.tick(scene.sight._replace(admin=UP))
    (over,) = scene.notices
    assert over.summary == "over: no gate has run for 2 min"
    assert over.ended is not None
    assert (over.ended - over.began).total_seconds() == MINUTE


def test_a_day_of_scanners_raises_nothing() -> None:
    """Summed and not, at every hour, among the usual events."""
    scene = Scene()
    scene.after(admin=UP)
    for minute in range(24 * 60):
        scene.events(2)
        scene.events(3, "source_not_allowed", client="192.0.2.66", near=None)
        scene.events(2, "malformed_http", client="192.0.2.66")
        scene.feed(refusals(1, 900, 900, cause="flood"))
        assert scene.after(MINUTE) == [], minute


def test_a_clock_that_jumps_raises_nothing_and_ends_nothing() -> None:
    scene = Scene()
    for _ in range(60):
        scene.events(5)
        scene.after(MINUTE)
    scene.events(5, "contract_violation")
    assert scene.after() == ["refusals"]
    for jump in (-3 * DAY, 6 * DAY):
        scene.jumped += jump
        scene.events(1)
        assert scene.after() == []
    assert scene.after(14 * MINUTE) == []
    assert "silence" in scene.after(MINUTE)


def test_a_machine_that_slept_is_not_silent() -> None:
    """The time of sleep is in no clock that only grows."""
    scene = Scene()
    for _ in range(60):
        scene.events(5)
        scene.after(MINUTE)
    scene.jumped += 8 * HOUR
    assert scene.after(MINUTE) == []


def test_downtime_of_the_watcher_counts() -> None:
    scene = Scene()
    for _ in range(60):
        scene.events(5)
        scene.after(MINUTE)
    saved = scene.watcher.save()
    scene.elapsed += 20 * MINUTE
    scene.restart(saved)
    assert scene.after() == ["silence"]


@pytest.mark.parametrize(
    "records",
    [
        {"event": "delivery"},
        {"event": "delivery", "reason": [], "outcome": {}, "near": 7, "kept": 1, "path": None},
        {"event": "delivery", "reason": "upstream_rejected", "sha256": 5, "request_id": []},
        {
            "event": "delivery",
            "reason": "upstream_rejected",
            "sha256": "a",
            "retry": 9,
            "route": [],
        },
        {"event": "delivery", "reason": "upstream_rejected", "upstream_status": "200"},
        {"event": "refusals", "reason": "contract_violation", "count": -1},
        {"event": "refusals", "reason": "contract_violation", "count": "many"},
        {"event": "refusals", "reason": "contract_violation", "count": 2**70},
        {"event": "gap", "first_n": 2**70, "last_n": None},
        {"event": "gap", "first_n": 9, "last_n": -(2**70)},
        {"event": "released", "sha256": [], "cause": {}},
        {"event": "start", "front": 1, "worker": "x"},
        {"event": "stop", "front": []},
        {"event": "forward", "sha256": None, "request_id": 1},
        {
            "event": "delivery",
            "reason": "upstream_rejected",
            "sha256": "\ud800",
            "request_id": "\udc80",
        },
        {"event": "delivery", "reason": "contract_violation", "route": "\ud800\x1b[31m"},
        {"event": "nothing"},
    ],
    ids=str,
)
def test_a_hostile_record_breaks_nothing(records: dict[str, Any]) -> None:
    scene = Scene()
    scene.feed(records)
    scene.watcher.feed({**records, "ts": ["2026"]}, "/x")
    scene.watcher.feed({**records, "ts": "9998-12-31T23:59:59.000000Z"}, "/x")
    scene.after()
    scene.restart(json.loads(json.dumps(scene.watcher.save())))
    scene.after(HOUR)


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"clock": [], "standing": [], "conditions": {}},
        {"clock": [1, 2], "standing": [["stopped"]], "conditions": {}},
        {"clock": [1, 2], "standing": [], "conditions": {"lost": 7}},
        {"clock": [1, 2], "standing": [], "conditions": {"silence": {"": {}}}},
        {"clock": [1, 2], "standing": [], "conditions": {"lost": [[["x", [1, 2]]], {}, {}, 0]}},
        [],
    ],
    ids=str,
)
def test_a_state_of_another_form_is_refused_by_an_error_that_is_expected(saved: Any) -> None:
    with pytest.raises((ArithmeticError, AttributeError, LookupError, TypeError, ValueError)):
        Scene().restart(saved)


def test_memory_is_bounded_whatever_fails() -> None:
    """More different events than are followed one by one."""
    scene = Scene()
    scene.after()
    for number in range(12_000):
        scene.events(1, "upstream_rejected", sha256=f"{number:064x}", retry="1 tries")
    scene.watcher.tick(scene.sight)
    (lost,) = (notice for notice in scene.notices if notice.condition == "lost")
    assert lost.summary == "10,000 events lost"
    assert lost.details[1] == "2,000 more were not followed, as there were too many"
    assert len(repr(scene.watcher.save())) < 4 << 20


def trouble(scene: Scene, ago: float) -> None:
    """What raises three alarms, read now and written so long ago."""
    scene.ago = ago
    scene.events(5, "contract_violation")
    scene.events(5, "upstream_rejected", sha256="ab" * 32, retry="3 tries")
    scene.events(1)
    scene.ago = 0.0


def test_a_first_run_tells_nothing_of_what_had_been_before() -> None:
    """Of the end of the ledger that it reads back; what is of late it tells."""
    scene = Scene()
    trouble(scene, 2 * DAY)
    assert scene.after() == []
    scene.restart()
    assert scene.after() == []
    scene = Scene()
    trouble(scene, MINUTE)
    assert sorted(scene.after()) == ["endpoint", "lost", "refusals"]


def test_what_came_while_no_watcher_ran_is_told_by_the_next() -> None:
    """However long that was: cron may look once a day."""
    scene = Scene()
    scene.after()
    trouble(scene, 8 * HOUR)
    assert sorted(scene.after()) == ["endpoint", "lost", "refusals"]
    assert sorted(scene.after(2 * HOUR)) == ["-endpoint", "-lost", "-refusals"]


_JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9),
    st.lists(st.text(max_size=3), max_size=3), st.dictionaries(st.text(max_size=3), st.none()),
    st.sampled_from(["contract_violation", "upstream_timeout", "clean", "3 tries", "refused"]),
)  # fmt: skip
_NAMES = sorted({name for fields in FIELDS.values() for name in fields} - {"event"})


@settings(max_examples=many(100), deadline=None)
@given(
    st.sampled_from(sorted(FIELDS)),
    st.dictionaries(st.sampled_from([*_NAMES, "near", "replay_of", "kept", "retry"]), _JUNK),
)
def test_no_record_breaks_it(kind: str, members: dict[str, Any]) -> None:
    """Whatever stands in any member, and what is saved of it can be read."""
    FUZZED.watcher.feed({"event": kind, **members}, "/ledger/audit.jsonl")
    FUZZED.after(1)
    FUZZED.restart()


FUZZED = Scene()
