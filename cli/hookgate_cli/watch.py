"""`hookgate watch`: tell whoever is on call what is wrong with a gate."""

import errno
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from hookgate.alarm_settings import ChannelSettings
from hookgate.alarms.clock import Clock
from hookgate.alarms.conditions.table import make_conditions
from hookgate.alarms.observing.ledgers import load_positions
from hookgate.alarms.observing.observer import Observer
from hookgate.alarms.state import (
    AlarmStateError,
    StateInUseError,
    lock_state,
    read_state,
    write_state,
)
from hookgate.alarms.teller import Teller
from hookgate.alarms.watcher import Watcher
from hookgate.config.channel_files import read_watch_channels
from hookgate.config.layers import gather
from hookgate.config.watching import WatchSettings, gate_name, read_watch_settings
from hookgate.files import ForeignFileError
from hookgate.ledger.reading.tail import Position
from hookgate.log import make_log
from hookgate.offering import Place

from .common import FAILED, FINDING, ConfigOption, err, fail, out, plain_errors
from .notice_printer import Printer
from .offering import place_of
from .signal_event import SignalEvent
from .terminal import printable

_POLL_SECONDS = 0.25
_SAVE_SECONDS = 15.0
# What is still to be sent when a watcher ends.
_FLUSH_SECONDS = 0.5
_ONCE_FLUSH_SECONDS = 30.0
# Whoever set it up so can mend it; what happens to a disk is one reason more to watch.
_MISPLACED = (errno.EACCES, errno.ELOOP, errno.ENOENT, errno.ENOTDIR, errno.EPERM)
# For one that looks once, and is about to end: a unit is not started anew after status 2.
_LOCK_SECONDS = _ONCE_FLUSH_SECONDS + 10


def watch(
    once: Annotated[
        bool, typer.Option("--once", help="Look, tell and end, for cron; 1 while an alarm stands.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Tell a test by each channel, and end.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Watch a gate's ledgers and its admin listener, and tell of what is wrong.

    It is a process of its own: the gate needs none, and nothing of it is in an event's way. What
    counts as wrong is in the section [alarm]. Each alarm is told once, once an hour while it lasts
    or where there is news of it, and once when it is over.

    Examples:

      hookgate watch

      hookgate watch --once || echo "something is wrong"
    """
    with plain_errors():
        sources = gather(config)
        settings = read_watch_settings(sources)
        channels, warnings = read_watch_channels(sources)
        for warning in warnings:
            err.print(printable(f"hookgate: warning: {warning}"), soft_wrap=True)
        if test and once:
            fail("--test ends by itself, and does not look: leave --once out")
        if test:
            raise typer.Exit(FAILED if _test(settings, channels) else 0)
        make_teller = partial(_make_teller, channels)
        run = _Run(settings, make_teller, place_of(config), is_once=once)
        if not once:
            _tell_beginning(settings, channels)
        stands = run.once() if once else run.on()
    raise typer.Exit(FINDING if once and stands else 0)


def _tell_beginning(settings: WatchSettings, channels: Sequence[ChannelSettings]) -> None:
    """Say on stderr what is watched, and how alarms are told: else silence looks like a fault."""
    watched = [path for path in (settings.ledger, *settings.alarm.ledgers) if path]
    if settings.admin is not None:
        watched.append(f"sidecar.admin at {settings.admin}")
    by = ", ".join(channel.name for channel in channels) or "lines here: no [[alarm.channel]]"
    text = f"watching {', '.join(watched)} as {gate_name(settings.alarm)}; alarms by {by}"
    err.print(printable(f"hookgate: {text}"), soft_wrap=True)


def _make_teller(channels: Sequence[ChannelSettings], pending: Any) -> Teller:
    """Make what tells by these channels; without any, what prints."""
    if not channels:
        return Printer()
    from hookgate.alarms.channels.all import Channels  # noqa: PLC0415  # requests takes 10 MiB

    return Channels(channels, make_log(), pending)


def _test(settings: WatchSettings, channels: Sequence[ChannelSettings]) -> int:
    """Tell a test by each channel, say what came of it, and return how many failed."""
    gate = gate_name(settings.alarm)
    if not channels:
        text = f"{gate}: a test; nothing is wrong. No [[alarm.channel]] is there: alarms are lines."
        out.print(printable(text), soft_wrap=True)
        return 0
    from hookgate.alarms.channels.all import Channels  # noqa: PLC0415  # requests takes 10 MiB

    tried = Channels(channels, make_log()).test(gate)
    for channel, outcome in tried:
        word = "told" if outcome.told else "NOT TOLD"
        text = f"{word}: {channel.name} ({channel.kind.value}): {outcome.why}"
        out.print(printable(f"{text}, {outcome.seconds:.1f} s"), soft_wrap=True)
    return sum(not outcome.told for _, outcome in tried)


class _Run:
    """One run of the watcher. `make_teller` is given what the last run left to be told."""

    def __init__(
        self,
        settings: WatchSettings,
        make_teller: Callable[[Any], Teller],
        place: Place,
        *,
        is_once: bool,
    ) -> None:
        self._place = place
        self._stop = SignalEvent()
        if not is_once:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self._stop.set())
        self._state = Path(settings.alarm.state)
        self._saved_at = time.monotonic()
        self._has_failed_to_save = False
        saved, self._lock = self._load(0.0 if is_once else _LOCK_SECONDS)
        self._teller = make_teller(saved.get("pending", ()))
        self._watcher = self._make(settings)
        positions: dict[str, Position] = {}
        if saved:
            try:
                positions = load_positions(saved["positions"])
                self._watcher.load(saved)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                self._begin_anew("it holds something else")
                self._watcher, positions = self._make(settings), {}
        self._observer = Observer(settings, positions, is_once=is_once)

    def _make(self, settings: WatchSettings) -> Watcher:
        clock = Clock(time.time, time.monotonic)
        conditions = make_conditions(settings)
        name = gate_name(settings.alarm)
        return Watcher(conditions, name, self._teller, clock, self._place)

    def _load(self, patience: float) -> tuple[dict[str, Any], int | None]:
        """Return the state, and what keeps other watchers from it for as long as this one runs."""
        lock = None
        try:
            with suppress(AlarmStateError):
                read_state(self._state)  # beside what is no state nothing is made
            lock = self._lock_state(patience)
            return read_state(self._state) or {}, lock
        except AlarmStateError as error:
            self._begin_anew(str(error))
            return {}, lock
        except StateInUseError as error:
            mend = "each alarm would be told twice. End that one, or name another file"
            fail(f'alarm.state = "{self._state}" {error}: {mend}')
        except ForeignFileError as error:
            mend = 'name a file of its own, like "hookgate-alarms.json"'
            fail(f'alarm.state = "{self._state}" {error}; {mend}')

    def _lock_state(self, patience: float) -> int | None:
        """Lock the state. Exits with 2 where it is never to be had as it is set up."""
        try:
            return lock_state(self._state, patience)
        except OSError as error:
            text = f'alarm.state = "{self._state}": {error.filename}: {error.strerror}'
            why = "nothing keeps a second watcher from telling each alarm twice"
            if error.errno in _MISPLACED:
                fail(f"{text}; {why}. Name a file in a folder that this user may write to")
            self._warn(f"{text}; {why}")
            return None

    def _begin_anew(self, why: str) -> None:
        self._warn(f"alarm.state: {self._state}: {why}; what was known is learnt anew")

    def once(self) -> bool:
        """Look once at all there is, and return whether an alarm stands."""
        while self._read():
            pass
        self._look()
        self._end(_ONCE_FLUSH_SECONDS)
        return self._watcher.stands

    def on(self) -> bool:
        """Look until a signal ends it."""
        while not self._stop.is_set():
            if self._read():
                continue
            if self._look() or time.monotonic() - self._saved_at > _SAVE_SECONDS:
                self._save()
            self._stop.wait(_POLL_SECONDS)
        self._end(_FLUSH_SECONDS)
        return self._watcher.stands

    def _read(self) -> bool:
        """Read on; whether there may be more."""
        for record, part in self._observer.records():
            self._watcher.feed(record, part)
        return self._observer.ledgers.is_behind

    def _look(self) -> bool:
        sight = self._observer.sight()
        return sight is not None and self._watcher.tick(sight)

    def _end(self, seconds: float) -> None:
        # First what is known, for a watcher that is killed while it tells.
        self._save()
        self._teller.close(seconds)
        self._save()
        self._observer.close()

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        try:
            positions, pending = self._observer.ledgers.save(), self._teller.pending()
            known = {"positions": positions, "pending": pending, **self._watcher.save()}
            write_state(self._state, known)
            self._has_failed_to_save = False
        except OSError as error:
            if not self._has_failed_to_save:
                self._warn(f"alarm.state: {self._state} cannot be written: {error.strerror}")
            self._has_failed_to_save = True

    def _warn(self, text: str) -> None:
        err.print(printable(f"hookgate: warning: {text}"), soft_wrap=True)
