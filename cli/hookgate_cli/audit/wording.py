"""Counts and lengths of time in words."""


def count_of(count: int, noun: str) -> str:
    """Return a count with its noun, such as "1 event" and "1,200 events"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def length_of(minutes: float) -> str:
    """Return a length of time in its largest whole unit, such as "1 hour" and "1.5 days"."""
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            number = round(minutes / size, 1)
            return f"{number:g} {unit}{'' if number == 1 else 's'}"
    return "less than a minute"
