"""One alarm that stands: what was told of it, and when there is more to tell. Pure."""

from typing import Any, Self

from .conditions.condition import Alarm
from .notice import Severity

REMIND_SECONDS = 3600.0
# After a notice, news of the same alarm waits so long; after each such news twice as long.
_NEWS_SECONDS = 300.0
# So many times as much as was told is news.
_FOLD = 10
_MOST_CAUSES = 256
# An alarm may come and go so often in an hour. Then its end waits, each time twice as long.
_FREE_RETURNS = 2
_CALM_SECONDS = 60.0


class Standing:
    """An alarm that was told and is not over.

    `began`, `at` and `seen` are when it was raised, told last and so last; `what` is what was told.
    `severity` is the highest since it began: whoever heard of that hears of the end. `returns`
    counts how often it had come back within an hour when it was raised.
    """

    def __init__(self, began: float, returns: int = 0) -> None:
        self.began = self.at = self.seen = began
        self.returns = returns
        self.what = ""
        self.severity = Severity.WARNING
        self._causes: set[str] = set()
        self._size = 0
        self._pause = _NEWS_SECONDS

    def tell(self, alarm: Alarm, now: float) -> bool:
        """Take what is so now; whether it is to be told: at first, each hour, where it has become
        critical, and where it has another cause or is ten times as much as was told.
        """
        self.seen = now
        if not self.what or now - self.at >= REMIND_SECONDS:
            self._causes.clear()
            self._size, self._pause = 0, _NEWS_SECONDS
        elif alarm.severity is not Severity.CRITICAL or self.severity is Severity.CRITICAL:
            is_new = not self._causes.issuperset(alarm.causes)
            if not (is_new or alarm.size >= _FOLD * self._size > 0) or now - self.at < self._pause:
                return False
            self._pause *= 2
        self.at, self.what = now, alarm.what
        if alarm.severity is Severity.CRITICAL:
            self.severity = alarm.severity
        self._causes.update(list(alarm.causes)[: _MOST_CAUSES - len(self._causes)])
        self._size = alarm.size
        return True

    def is_over(self, now: float) -> bool:
        """Whether what is so no more is over: at once, unless it has come and gone of late."""
        more = self.returns - _FREE_RETURNS
        calm = min(_CALM_SECONDS * 2.0 ** min(more, 16), REMIND_SECONDS) if more >= 0 else 0.0
        return now - self.seen >= calm

    def save(self) -> list[Any]:
        """Return it as JSON may hold it."""
        causes = sorted(self._causes)
        told = [self.began, self.at, self.what, self.severity.value]
        return [*told, self.seen, self.returns, causes, self._size, self._pause]

    @classmethod
    def load(cls, saved: list[Any]) -> Self:
        """Return what was saved. Raises whatever a value of another form makes it raise."""
        began, at, what, severity, *more = saved
        standing = cls(float(began))
        standing.at, standing.what, standing.severity = float(at), str(what), Severity(severity)
        # An earlier watcher saved no more than these.
        seen, returns, causes, size, pause = more or (at, 0, (), 0, _NEWS_SECONDS)
        standing.seen, standing.returns, standing._size = float(seen), int(returns), int(size)
        standing._causes, standing._pause = set(map(str, causes)), float(pause)
        return standing
