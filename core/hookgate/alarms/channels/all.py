"""All channels of alarms: what is told to each, and what is still to be told."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple

import structlog

from hookgate.alarm_settings import ChannelSettings
from hookgate.alarms.notice import TEST, Notice, Severity

from .channel import Channel, Patience
from .formats.document import from_document, to_document
from .outcome import Outcome


class Tried(NamedTuple):
    """Hold what came of a test: the channel, and the outcome."""

    channel: ChannelSettings
    outcome: Outcome


class Channels:
    """Tell notices by all channels: one that fails holds up neither another nor who tells.

    `settings` are those of `config/channel_files.py`. `pending` is what `pending()` of
    an earlier process returned, as JSON gave it back: it is told first. What of it is no such
    thing, or for a channel that is gone, is counted in the log.
    """

    def __init__(
        self,
        settings: Sequence[ChannelSettings],
        log: structlog.BoundLogger,
        pending: Any = (),
        patience: Patience = Patience(),  # noqa: B008  # frozen
    ) -> None:
        self._channels = {each.name: Channel(each, log, patience) for each in settings}
        if unknown := sum(not self._restore(entry) for entry in _entries(pending)):
            log.warning("alarm.pending_dropped", notices=unknown)

    def tell(self, notice: Notice) -> None:
        """Have each channel tell a notice that is severe enough for it. Never waits or raises."""
        for channel in self._channels.values():
            if channel.wants(notice):
                channel.put(notice)

    def test(self, gate: str) -> list[Tried]:
        """Tell one test by every channel at once, past what waits, and return what came of each."""
        channels = list(self._channels.values())
        if not channels:
            return []
        with ThreadPoolExecutor(len(channels)) as pool:
            outcomes = pool.map(
                lambda each: each.try_once(_test_notice(gate, each.settings)), channels
            )
            return [Tried(each.settings, got) for each, got in zip(channels, outcomes, strict=True)]

    def close(self, timeout: float) -> None:
        """Try what waits once more, for `timeout` seconds at most; then `pending()` is final."""
        until = monotonic() + timeout
        for channel in self._channels.values():
            channel.stop()
        for channel in self._channels.values():
            channel.join(until - monotonic())

    def pending(self) -> list[dict[str, Any]]:
        """Return what is not told yet, to be kept as JSON and given to the next process.

        What is on its way is in it, and so may be told twice: better than never.
        """
        return [
            {"channel": name, "notice": to_document(notice)}
            for name, channel in self._channels.items()
            for notice in channel.pending()
        ]

    def not_told(self) -> dict[str, int]:
        """Return by channel how many notices were given up since the start."""
        return {name: channel.not_told for name, channel in self._channels.items()}

    def _restore(self, entry: Any) -> bool:
        try:
            channel = self._channels[entry["channel"]]
            notice = from_document(entry["notice"])
        except (KeyError, TypeError, ValueError):
            return False
        channel.put(notice)
        return True


def _entries(pending: Any) -> list[Any]:
    return list(pending) if isinstance(pending, (list, tuple)) else [pending]


def _test_notice(gate: str, settings: ChannelSettings) -> Notice:
    return Notice(
        condition=TEST,
        subject="",
        severity=Severity(settings.severity),
        gate=gate,
        summary="a test of this channel; nothing is wrong",
        details=(f"Channel: {settings.name}",),
        advice="nothing",
        began=datetime.now(UTC),
    )
