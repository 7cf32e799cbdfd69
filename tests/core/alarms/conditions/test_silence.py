"""When nothing comes, and something should."""

from hookgate.alarms.conditions.silence import Usual
from support.watching import DAY, HOUR, MINUTE, Scene, alone, watch_settings


def live(scene: Scene, days: int, hours: range, free: int | None = None) -> int:
    """So many days with an event each minute in these hours, but for a free one; how many silences
    began.
    """
    before, ended = scene.watcher.stands, 0
    for step in range(days * 24 * 12):
        day, hour = divmod(step // 12, 24)
        if hour in hours and day != free:
            scene.events(5)
        ended += scene.after(5 * MINUTE).count("-silence")
    return ended + scene.watcher.stands - before


def test_the_night_is_no_silence_once_it_is_known() -> None:
    """The first one may be told; the second is not, nor a week of them."""
    scene = alone("silence")
    assert live(scene, 2, range(8, 20)) == 1
    assert live(scene, 12, range(8, 20)) == 0


def test_a_free_day_is_no_silence_once_there_was_one_a_week_before() -> None:
    scene = alone("silence")
    assert live(scene, 7, range(24), free=6) == 1
    assert live(scene, 7, range(24), free=6) == 0
    assert live(scene, 7, range(24), free=3) == 1


def test_a_quiet_route_is_silent_once_ten_events_have_stayed_away() -> None:
    """Two an hour: not after a quarter of an hour, and after five."""
    scene = Scene()
    for _ in range(3 * 48):
        scene.events(1)
        scene.after(30 * MINUTE)
    told = [scene.after(15 * MINUTE) for _ in range(28)]
    assert ["silence"] in told
    assert 4 * 4 <= told.index(["silence"]) <= 6 * 4


def test_each_route_is_told_of_itself() -> None:
    silences = {"/cm/events": 600.0, "/cm/voice": None, "/cm/email": 3600.0}
    scene = Scene(watch_settings()._replace(silences=silences))
    for _ in range(60):
        for path in silences:
            scene.events(3, path=path)
        scene.after(MINUTE)
    told = []
    for _ in range(65):
        scene.elapsed += MINUTE
        scene.watcher.tick(scene.sight)
        told += [(notice.subject, notice.summary) for notice in scene.notices]
        scene.notices.clear()
    assert [subject for subject, _ in told] == ["/cm/events", "/cm/email"]
    assert told[0][1] == ("nothing delivered on /cm/events for 10 min (usually every 20 s)")


def test_a_route_that_was_never_used_is_not_silent() -> None:
    scene = Scene()
    assert scene.after(30 * DAY) == []


def test_replays_are_no_events_of_the_provider() -> None:
    scene = Scene()
    scene.events(20, replay_of="b0-1", front="replay")
    assert scene.after(HOUR) == []


def test_what_is_usual_forgets_after_two_weeks() -> None:
    usual = Usual()
    for hour in range(24 * 30):
        usual.know(hour * HOUR)
        usual.add(hour * HOUR)
    assert len(usual.save()[4]) == 14 * 24 + 1
