"""One channel: a thread, and a bounded queue of what is still to be told, in order."""

import threading
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import structlog

from hookgate.alarm_settings import ChannelKind, ChannelSettings
from hookgate.alarms.notice import TEST, Notice, Severity

from .outcome import Outcome
from .senders import make_sender

MOST_WAITING = 100
_TEST_LASTS = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a channel tries. Seconds.

    `deadline` is for one try; after `first_pause`, doubled each time up to `longest_pause`, it is
    tried again, until a notice has waited for `give_up`. Alertmanager is sent what lasts every
    `again`, and takes it as over after `lasting`, more than two of the watcher's reminders: a
    watcher that starts anew resolves nothing.
    """

    deadline: float = 20.0
    first_pause: float = 1.0
    longest_pause: float = 60.0
    give_up: float = 900.0
    again: float = 60.0
    lasting: float = 2.5 * 3600


@dataclass(slots=True)
class _Waiting:
    notice: Notice
    until: float  # by the monotonic clock
    tries: int = 0


class Channel:
    """Tell notices by one channel, whatever it does. Its log lines name it, never its URL."""

    def __init__(
        self, settings: ChannelSettings, log: structlog.BoundLogger, patience: Patience
    ) -> None:
        self.settings = settings
        self.not_told = 0  # notices that were given up, since the start
        self._log = log.bind(channel=settings.name, kind=str(settings.kind))
        self._patience = patience
        self._sender = make_sender(settings, patience.deadline)
        self._waiting: deque[_Waiting] = deque()  # the first is under way
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        # Since it last worked: whether it failed, whether a loss was said; what was lost before.
        self._failing = self._loss_said = False
        self._accounted = 0
        # Alarms that last, by what names them. Alertmanager forgets all when it starts anew.
        self._lasting: dict[tuple[str, str, str], Notice] = {}

    def wants(self, notice: Notice) -> bool:
        """Whether a notice is severe enough for this channel."""
        return notice.severity is Severity.CRITICAL or self.settings.severity == Severity.WARNING

    def put(self, notice: Notice) -> None:
        """Have a notice told; returns at once. The oldest that waits gives way to what is news."""
        with self._changed:
            is_of_labels = self.settings.kind is ChannelKind.ALERTMANAGER
            for each in (*(self._remember(notice) if is_of_labels else ()), notice):
                if len(self._waiting) >= MOST_WAITING:
                    del self._waiting[1]
                    self.not_told += 1
                self._waiting.append(_Waiting(each, monotonic() + self._patience.give_up))
            self._changed.notify_all()
            if self._thread is None and not self._closing:
                self._start()

    def try_once(self, notice: Notice) -> Outcome:
        """Tell a notice now, past the queue, by a connection of its own."""
        sender = make_sender(self.settings, self._patience.deadline)
        return sender.send(notice, datetime.now(UTC) + _TEST_LASTS)

    def pending(self) -> list[Notice]:
        """Return what is not told, oldest first; the first may be on its way."""
        with self._changed:
            return [each.notice for each in self._waiting]

    def stop(self) -> None:
        """Have each waiting notice tried once more, without pauses; the first failure ends it."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def join(self, seconds: float) -> None:
        """Wait for the end after `stop`, and then cut what is on its way."""
        if self._thread is None:
            return
        self._thread.join(max(seconds, 0.0))
        if self._thread.is_alive():
            self._sender.abort()
            self._thread.join(1.0)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=f"alarm-{self.settings.name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads: the next notice tries again
            return
        self._thread = thread

    def _run(self) -> None:
        while (item := self._next()) is not None:
            outcome = self._sender.send(item.notice, self._until())
            is_over = outcome.told or outcome.is_final or monotonic() >= item.until
            with self._changed:
                if is_over:
                    self._waiting.popleft()
                    self.not_told += not outcome.told
                ends = self._closing and not outcome.told
            if is_over or not ends:
                self._account(outcome, item.notice)
            if ends:
                return
            if not is_over:
                self._pause(item)

    def _next(self) -> _Waiting | None:
        while True:
            with self._changed:
                again = self._patience.again if self._lasting else None
                if self._changed.wait_for(lambda: self._waiting or self._closing, again):
                    return self._waiting[0] if self._waiting else None
                lasting = list(self._lasting.values())
            for notice in lasting:
                if not self._sender.send(notice, self._until()).told or self._waiting:
                    break

    def _remember(self, notice: Notice) -> list[Notice]:
        """Remember what lasts; return the end of the alert that it was, if its labels are others
        by now.
        """
        named = (notice.condition, notice.subject, notice.gate)
        before = self._lasting.pop(named, None)
        if not notice.resolved and notice.condition != TEST and len(self._lasting) < MOST_WAITING:
            self._lasting[named] = notice
        if before is None or before.severity is notice.severity:
            return []
        return [replace(before, ended=max(before.began, datetime.now(UTC)))]

    def _pause(self, item: _Waiting) -> None:
        pause = min(self._patience.first_pause * 2**item.tries, self._patience.longest_pause)
        item.tries += 1
        with self._changed:
            self._changed.wait_for(lambda: self._closing, pause)

    def _account(self, outcome: Outcome, notice: Notice) -> None:
        """Say once that the channel fails, once that it lost something, and when it works."""
        lost = self.not_told - self._accounted
        if outcome.told:
            if self._failing or lost:
                self._log.info("alarm.channel_works", not_told=lost)
            self._accounted = self.not_told
            self._failing = self._loss_said = False
            return
        if not self._failing:
            self._failing = True
            self._log.warning("alarm.channel_failing", why=outcome.why)
        if lost and not self._loss_said:
            self._loss_said = True
            self._log.error("alarm.not_told", why=outcome.why, condition=notice.condition)

    def _until(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._patience.lasting)
