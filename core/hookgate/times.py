"""Times as people write and read them: local where nothing else is said, and with the zone.

Local is what TZ, else the system, says. A day on which clocks are changed has times that are not,
or are twice.
"""

import re
import time
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAYS = {"today": 0, "yesterday": 1}
_IS_DAY = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}|today|yesterday")


class QueryError(Exception):
    """What was asked for cannot be understood; the message says what can."""


def parse_time(text: str, now: float, *, utc: bool = False) -> float:
    """Return seconds since 1970: of RFC 3339, a date, `2h` ago, now, today or yesterday.

    Without an offset or Z it is local time, with `utc` UTC. A local time that clocks pass over when
    they are put forward is the moment when that happens. Raises `QueryError`, also for one that is
    there twice; of a day whose midnight is, the first.
    """
    if match := _AGO.fullmatch(text):
        return now - float(match[1]) * _SECONDS[match[2]]
    if text == "now":
        return now
    try:
        moment = _moment(text, now, utc=utc)
        if moment.tzinfo is None:
            return _local_seconds(moment, text)
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise QueryError(
            f'"{text}" is no time: 2h (s, m, h, d, w) ago, today, 2026-11-22, "2026-11-22 15:00"'
            f" ({'UTC' if utc else 'local time'}), or 2026-11-22T15:00:00+01:00"
        ) from None


def _moment(text: str, now: float, *, utc: bool) -> datetime:
    if text in _DAYS:
        today = datetime.fromtimestamp(now, UTC if utc else None)  # local is meant
        return today.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(_DAYS[text])
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if utc and moment.tzinfo is None else moment


def _local_seconds(moment: datetime, text: str) -> float:
    first, second = (moment.replace(fold=fold).timestamp() for fold in (0, 1))
    if first == second or (first < second and _IS_DAY.fullmatch(text)):
        return first
    if first < second:
        both = " or ".join(f"{moment.isoformat()}{_offset(at)}" for at in (first, second))
        raise QueryError(f'"{text}" is there twice, as clocks are put back: write {both}')
    before, after = int(second), int(first)
    while after - before > 1:
        middle = (before + after) // 2
        if time.localtime(middle).tm_gmtoff == time.localtime(before).tm_gmtoff:
            before = middle
        else:
            after = middle
    return float(after)


def local(moment: float, *, utc: bool = False) -> datetime:
    """Put a moment (seconds since 1970) into the zone in which it is to be shown."""
    return (
        datetime.fromtimestamp(moment, UTC)
        if utc
        else datetime.fromtimestamp(moment, UTC).astimezone()
    )


def show_time(moment: float, timespec: str = "milliseconds", *, utc: bool = False) -> str:
    """Write a moment with its offset: `2026-11-22 13:00:00.000+01:00`, Z for UTC."""
    shown = local(moment, utc=utc).isoformat(" ", timespec)
    return shown.replace("+00:00", "Z")


def iso_time(moment: float, timespec: str = "milliseconds") -> str:
    """Write a moment for JSON, in UTC as ISO 8601 has it: `2026-11-22T12:00:00.000Z`."""
    return show_time(moment, timespec, utc=True).replace(" ", "T")


def _offset(moment: float) -> str:
    return local(moment).isoformat()[-6:]
