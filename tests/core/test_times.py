"""Times as people write and read them, in the zones where they live."""

import time
from collections.abc import Callable, Iterator

import pytest

from hookgate.times import QueryError, iso_time, parse_time, show_time

NOW = 1_756_886_405.0  # 2025-09-03T08:00:05Z
Live = Callable[[str], None]


@pytest.fixture
def live_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """Set the zone of this process."""

    def live(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield live
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2h", NOW - 7200),
        ("90s", NOW - 90),
        ("5m", NOW - 300),
        ("1d", NOW - 86_400),
        ("2w", NOW - 1_209_600),
        ("now", NOW),
        ("2025-09-03T08:00:05Z", NOW),
        ("2025-09-03T10:00:05.5+02:00", NOW + 0.5),
        ("2025-09-03 04:00:05-04:00", NOW),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Amsterdam", "America/New_York"])
def test_what_names_its_zone_or_none_is_the_same_everywhere(
    live_in: Live, zone: str, text: str, seconds: float
) -> None:
    live_in(zone)
    assert parse_time(text, NOW) == parse_time(text, NOW, utc=True) == seconds


@pytest.mark.parametrize(
    ("zone", "text", "utc"),
    [
        ("UTC", "2025-09-03", "2025-09-03T00:00:00Z"),
        ("Europe/Amsterdam", "2025-09-03T13:00", "2025-09-03T11:00:00Z"),
        ("Europe/Amsterdam", "2025-11-28 13:00", "2025-11-28T12:00:00Z"),
        ("Europe/Amsterdam", "2025-09-03", "2025-09-02T22:00:00Z"),
        ("Europe/Amsterdam", "today", "2025-09-02T22:00:00Z"),
        ("America/New_York", "yesterday", "2025-09-02T04:00:00Z"),
        ("Asia/Kolkata", "2025-09-03T13:00", "2025-09-03T07:30:00Z"),
        # Clocks are put forward: what they pass over is the moment when they are.
        ("Europe/Amsterdam", "2026-03-29T02:30", "2026-03-29T01:00:00Z"),
        ("Europe/Amsterdam", "2026-03-29T03:00", "2026-03-29T01:00:00Z"),
        ("America/Santiago", "2025-09-07", "2025-09-07T04:00:00Z"),
        # They are put back: of a day whose midnight is there twice, the first.
        ("America/Havana", "2025-11-02", "2025-11-02T04:00:00Z"),
        ("Atlantic/Azores", "2025-10-26", "2025-10-26T00:00:00Z"),
    ],
)
def test_without_a_zone_it_is_local_time(live_in: Live, zone: str, text: str, utc: str) -> None:
    live_in(zone)
    assert parse_time(text, NOW) == parse_time(utc, NOW)


def test_a_time_that_is_there_twice_is_asked_for_with_its_offset(live_in: Live) -> None:
    """Both are offered, and either is taken."""
    live_in("Europe/Amsterdam")
    with pytest.raises(QueryError, match="there twice") as refused:
        parse_time("2026-10-25T02:30", NOW)
    first, second = str(refused.value).rpartition("write ")[2].split(" or ")
    assert (first, second) == ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00")
    assert parse_time(second, NOW) - parse_time(first, NOW) == 3600


def test_with_utc_it_is_utc(live_in: Live) -> None:
    live_in("America/New_York")
    assert parse_time("2025-09-03T08:00:05", NOW, utc=True) == NOW
    assert parse_time("today", NOW, utc=True) == parse_time("2025-09-03T00:00Z", NOW)


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2 hours", "2025-13-01", "9" * 9])
def test_what_is_no_time_is_said(live_in: Live, text: str) -> None:
    """The message names what was given and what can be."""
    live_in("Asia/Tokyo")
    with pytest.raises(QueryError, match="is no time: 2h"):
        parse_time(text, NOW)


@pytest.mark.parametrize(
    ("zone", "moment", "shown"),
    [
        ("UTC", NOW, "2025-09-03 08:00:05.000Z"),
        ("Europe/Amsterdam", NOW, "2025-09-03 10:00:05.000+02:00"),
        ("Europe/Amsterdam", 1_792_890_000.25, "2026-10-25 02:00:00.250+01:00"),
        ("Europe/Amsterdam", 1_792_886_400.25, "2026-10-25 02:00:00.250+02:00"),
        ("Asia/Kolkata", NOW + 0.9999, "2025-09-03 13:30:05.999+05:30"),
    ],
)
def test_a_time_is_shown_with_its_offset(
    live_in: Live, zone: str, moment: float, shown: str
) -> None:
    """So that the hour that is there twice is told apart."""
    live_in(zone)
    assert show_time(moment) == shown
    assert show_time(moment, utc=True).endswith("Z")


def test_in_json_a_time_is_utc_and_iso_8601() -> None:
    assert iso_time(0.5) == "1970-01-01T00:00:00.500Z"
    assert iso_time(86_400.0, "seconds") == "1970-01-02T00:00:00Z"


@pytest.mark.parametrize(("text", "seconds"), [("1.5h", 5400), ("0.5d", 43_200), ("2w", 1_209_600)])
def test_so_long_ago_may_be_a_part_of_a_unit(text: str, seconds: int) -> None:
    assert parse_time(text, 2_000_000.0) == 2_000_000.0 - seconds
