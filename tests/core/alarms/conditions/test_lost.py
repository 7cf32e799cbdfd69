"""Which events are lost, and which are not, or not yet."""

from support.lines import delivery, forward, released, start, stop
from support.watching import DAY, HOUR, Scene, alone

EVENT = {"sha256": "ab" * 32}


def scene_of(*records: dict[str, object]) -> Scene:
    scene = alone("lost")
    scene.after()
    scene.feed(*records)
    return scene


def failed(reason: str = "upstream_rejected", retry: str = "3 tries, 1d") -> dict[str, object]:
    return delivery(1, reason, retry=retry, **EVENT)


def test_an_event_is_lost_once_its_tries_have_run_out() -> None:
    scene = scene_of(failed(), failed())
    assert scene.after() == []
    scene.feed(failed())
    assert scene.after() == ["lost"]


def test_an_event_is_lost_once_its_span_is_over() -> None:
    scene = scene_of(failed())
    assert scene.after(23 * HOUR) == []
    assert scene.after(2 * HOUR) == ["lost"]


def test_a_restart_forgets_neither() -> None:
    scene = scene_of(failed(), failed())
    scene.restart()
    scene.feed(failed())
    assert scene.after() == ["lost"]


def test_what_was_delivered_on_a_later_try_is_not_lost() -> None:
    scene = scene_of(failed(), failed(), delivery(3, **EVENT))
    assert scene.after(2 * DAY) == []


def test_what_is_kept_is_not_lost_before_it_expires() -> None:
    scene = scene_of(*[failed("contract_violation") | {"kept": "k"}] * 3)
    assert scene.after(2 * DAY) == []
    scene.feed(released("purged", kept="k", **EVENT))
    assert scene.after() == []
    scene.feed(released("expired", kept="k", **EVENT))
    assert scene.after() == ["lost"]


def test_a_contract_without_a_rule_loses_nothing() -> None:
    assert scene_of(*[delivery(1, "upstream_rejected", route="own", **EVENT)] * 9).after(DAY) == []


def test_what_may_have_arrived_may_be_lost() -> None:
    scene = scene_of(failed("upstream_timeout", "1 tries"))
    scene.watcher.tick(scene.sight)
    (notice,) = scene.notices
    assert notice.summary == "1 event may be lost"
    assert notice.details == ("1 × unknown: upstream_timeout",)  # noqa: RUF001  # a sign of times


def test_a_crash_leaves_what_was_on_its_way_unknown_and_a_stop_does_not() -> None:
    """In its own file: another worker goes on."""
    scene = scene_of(start(), forward(1, **EVENT))
    scene.feed(start(), part="/ledger/audit.1.jsonl")
    assert scene.after() == []
    scene.restart()
    scene.feed(start())
    assert scene.after() == ["lost"]
    scene = scene_of(start(), forward(1, **EVENT), stop(1), start())
    assert scene.after() == []


def test_replays_are_no_tries() -> None:
    replay = failed() | {"replay_of": "b0-1", "front": "replay"}
    assert scene_of(failed(), replay, replay).after() == []
