"""What is wrong with the endpoint at present, said once when it begins and once when it is over."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from .error import Failure, UpstreamError

# A cause is over when it has stayed away for as long while events went to the endpoint. One that
# comes and goes more often is one trouble, and two lines.
CALM_SECONDS = 5.0


@dataclass(slots=True)
class _Trouble:
    began: float
    last: float
    exchanges: int
    failed: int = 0


class Troubles:
    """The causes for which one endpoint fails. `exchanges` counts all that came to an end so far.

    Times are seconds of any clock that does not go back.
    """

    def __init__(self, log: structlog.BoundLogger, exchanges: Callable[[], int]) -> None:
        self._log = log
        self._exchanges = exchanges
        self._present: dict[UpstreamError, _Trouble] = {}

    @property
    def present(self) -> list[str]:
        """The causes' words, in the order they began."""
        return [error.word for error in self._present]

    def note(self, failed: Failure, url: str, now: float) -> None:
        """Note that a delivery failed; it is not counted as an exchange yet."""
        error = failed.error
        if error is UpstreamError.CUT_OFF:
            return  # by ourselves
        trouble = self._present.get(error)
        if trouble is None:
            trouble = _Trouble(now, now, 0)
            self._log.error(
                "upstream.failing",
                upstream=url,
                error=error.word,
                means=error.means,
                mend=error.mend,
                detail=failed.detail,
                besides=self.present,
            )
            self._present[error] = trouble
        trouble.last = now
        trouble.failed += 1
        trouble.exchanges = self._exchanges() + 1

    def tick(self, now: float) -> None:
        """End what has stayed away, about once a second."""
        if not self._present:
            return
        exchanges = self._exchanges()
        for error, trouble in tuple(self._present.items()):
            if now - trouble.last >= CALM_SECONDS and exchanges > trouble.exchanges:
                self._end(error)

    def end_all(self) -> None:
        """End all: another endpoint takes its place."""
        for error in tuple(self._present):
            self._end(error)

    def _end(self, error: UpstreamError) -> None:
        trouble = self._present.pop(error)
        self._log.info(
            "upstream.no_longer_failing",
            error=error.word,
            failed=trouble.failed,
            seconds=round(trouble.last - trouble.began, 3),
            besides=self.present,
        )
