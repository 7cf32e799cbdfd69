"""Which kind of channel sends what, and how."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

import orjson

from hookgate.alarm_settings import ChannelKind, ChannelSettings, Stdin
from hookgate.alarms.notice import Notice

from .command import Command
from .formats import alertmanager, document, ntfy, slack
from .formats.message import render_text
from .http_post import Compose, HttpPost
from .outcome import Outcome


class Sender(Protocol):
    """Send notices, one at a time."""

    def send(self, notice: Notice, until: datetime) -> Outcome:
        """Send one, which ends by itself at `until` where a receiver knows such; raises nothing."""

    def abort(self) -> None:
        """End what is being sent, from another thread, and what would be sent later."""


_COMPOSE: Mapping[ChannelKind, Compose] = {
    ChannelKind.JSON: document.compose,
    ChannelKind.SLACK: slack.compose,
    ChannelKind.NTFY: ntfy.compose,
    ChannelKind.ALERTMANAGER: alertmanager.compose,
}
_RENDER: Mapping[Stdin, Callable[[Notice], str]] = {
    Stdin.TEXT: render_text,
    Stdin.JSON: lambda notice: orjson.dumps(document.to_document(notice)).decode() + "\n",
}


def make_sender(settings: ChannelSettings, deadline: float) -> Sender:
    """Make the sender of a channel, which gives up on each notice after `deadline` seconds."""
    if settings.kind is ChannelKind.COMMAND:
        return Command(settings.command, _RENDER[settings.stdin], deadline)
    return HttpPost(settings, _COMPOSE[settings.kind], deadline)
