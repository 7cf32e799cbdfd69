"""Times as options give them."""

from hookgate.times import QueryError, parse_time
from hookgate_cli.common import fail


def read_time(given: str | float | None, now: float, *, utc: bool = False) -> float | None:
    """Return a time in seconds since 1970: a text is parsed, what is none stays as it is.

    Exits with 2 for a text that is no time.
    """
    try:
        return parse_time(given, now, utc=utc) if isinstance(given, str) else given
    except QueryError as error:
        fail(str(error))
