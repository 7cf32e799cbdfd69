"""The time as every line has it."""

import time


class Clock:
    """RFC 3339 timestamps in UTC with microseconds, the second formatted once."""

    def __init__(self) -> None:
        self._second = 0
        self._prefix = ""

    def now(self) -> str:
        """Return the present, as in 2025-09-03T08:00:05.123456Z."""
        nanoseconds = time.time_ns()
        second, rest = divmod(nanoseconds, 1_000_000_000)
        if second != self._second:
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
            self._second = second
        return f"{self._prefix}{rest // 1000:06d}Z"
