"""One gate as it is watched: its last answer, its history, and what is wrong with it. Pure."""

from .cause import Cause
from .causes import ASKED, Absence, Causes
from .history import History
from .step import Answer, step


class Gate:
    """A gate that is asked at `where`, or is so called in a store. Times are seconds since 1970, by
    this machine's clock.
    """

    def __init__(self, where: str, absence: Absence = ASKED) -> None:
        self.where = where
        self.history = History()
        self.answer: Answer | None = None
        self.answered_at: float | None = None
        self._causes = Causes(absence)
        self._trouble = ""

    def note(self, told: Answer | str, now: float) -> None:
        """Take in an answer, or why there is none."""
        if isinstance(told, str):
            self._trouble = told
            self._causes.miss(told, now)
            return
        made = step(self.answer, told)
        self.history.add(made, told, now)
        self._causes.observe(told, made, now)
        self.answer, self.answered_at, self._trouble = told, now, ""

    @property
    def answers(self) -> bool | None:
        """Whether it answered when it was asked last; None before it was."""
        return None if self.answer is None and not self._trouble else not self._trouble

    def standing(self) -> list[Cause]:
        """Return what is wrong now, the worst first."""
        return self._causes.standing()

    def ended(self, now: float) -> list[Cause]:
        """Return what was wrong of late, the latest first."""
        return self._causes.ended(now)
