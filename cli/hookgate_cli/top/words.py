"""Figures in few letters. Pure."""

from datetime import UTC, datetime
from typing import Any

_UNKNOWN = "–"  # noqa: RUF001  # the dash of tables


def rate(value: float | None) -> str:
    """Write how many a second."""
    if value is None:
        return _UNKNOWN
    if 0 < value < 0.1:
        return "<0.1/s"
    return f"{value:,.0f}/s" if value >= 10 or value == 0 else f"{value:.1f}/s"


def took(value: float | None) -> str:
    """Write a short time."""
    if value is None:
        return _UNKNOWN
    return (
        f"{value:.1f} s"
        if value >= 1
        else f"{value * 1e3:.0f} ms"
        if value >= 0.01
        else f"{value * 1e3:.1f} ms"
    )


def ago(value: float | None) -> str:
    """Write how long ago something was."""
    return _UNKNOWN if value is None else f"{lasted(value)} ago"


def lasted(value: float | None) -> str:
    """Write how long something lasts."""
    if value is None:
        return _UNKNOWN
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if value >= 2 * size:
            return f"{value / size:.0f} {unit}"
    return f"{value:.0f} s"


def size(value: float) -> str:
    """Write a number of bytes."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if value >= 1024**power:
            return f"{value / 1024**power:.1f} {unit}"
    return f"{value:.0f} B"


def clock(text: Any) -> str:
    """Write the time of day of a moment, as UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return f"{moment.astimezone(UTC):%H:%M:%S}" if moment.tzinfo else "?"
    except (TypeError, ValueError, OverflowError):  # the last for the first and the last of years
        return "?"
