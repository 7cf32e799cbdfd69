"""The channels of alarms as hookgate.toml has them. The files that they name are not read here."""

import re
from typing import Any

from hookgate.alarm_settings import ChannelKind, ChannelSettings, Stdin

from .channel_values import LONGEST_NAME, channel_url, command_line
from .keys import CHANNEL_KEYS
from .layers import Given
from .redaction import redact_url, shown
from .tables import parse_table

_HTTP = ("url", "url_file", "token_file", "proxy", "ca_file")
_MINE = {
    ChannelKind.JSON: _HTTP,
    ChannelKind.SLACK: ("url", "url_file", "proxy", "ca_file"),
    ChannelKind.NTFY: _HTTP,
    ChannelKind.ALERTMANAGER: _HTTP,
    ChannelKind.COMMAND: ("command", "stdin"),
}
_OF_ALL = ("kind", "name", "severity")


def build_channels(given: Given, problems: list[str]) -> tuple[ChannelSettings, ...]:
    """Check the channels, and append a line to `problems` for each thing wrong.

    No line shows more of a URL than its host.
    """
    items, origin = given
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        problems.append(
            f"{origin}: alarm.channel is a list of tables; write [[alarm.channel]] and its keys "
            "below"
        )
        return ()
    channels: list[ChannelSettings] = []
    numbers: dict[str, int] = {}
    for number, item in enumerate(items, 1):
        channel = _channel(f"{origin}: alarm.channel {number}", item, problems)
        if channel is None:
            continue
        if channel.name in numbers:
            problems.append(
                f'{origin}: alarm.channel {number}: the name "{channel.name}" is that of '
                f"alarm.channel {numbers[channel.name]}; give it another, like name = "
                f'"{_free_name(channel.name, items)}"'
            )
        numbers.setdefault(channel.name, number)
        channels.append(channel)
    return tuple(channels)


def _free_name(name: str, items: list[dict[str, Any]]) -> str:
    taken = [item.get("name") for item in items]
    free = (f"{name[: LONGEST_NAME - 6]}-{number}" for number in range(2, len(items) + 3))
    return next(each for each in free if each not in taken)


def _channel(named: str, item: dict[str, Any], problems: list[str]) -> ChannelSettings | None:
    before = len(problems)
    where = f"{named}: "
    values = parse_table(CHANNEL_KEYS, item, where, problems, also=("url", "command"))
    if "kind" not in item:
        problems.append(f'{where}kind is missing; write it like "slack"')
    if "kind" not in values:
        return None
    kind = ChannelKind(values["kind"])
    for name in item:
        if name in CHANNEL_KEYS and name not in (*_OF_ALL, *_MINE[kind]):
            homes = ", ".join(each for each in ChannelKind if name in _MINE[each])
            problems.append(f"{where}{name} is of no use to {kind}, but to {homes}; leave it out")
    if kind is ChannelKind.COMMAND:
        if "command" in item:
            values["command"] = _command(where, item["command"], problems)
        else:
            problems.append(f'{where}command is missing; write it like ["/usr/local/bin/tell"]')
    elif bool(item.get("url")) == bool(item.get("url_file")):
        which = "both there" if item.get("url") else "missing"
        problems.append(f"{where}url and url_file are {which}; write one of them")
    elif "url" in item:
        _check_url(where, item["url"], kind, problems)
        values["url"] = item["url"]
    if len(problems) > before:
        return None
    values |= {"kind": kind, "stdin": Stdin(values.get("stdin", Stdin.TEXT))}
    return ChannelSettings(**{"name": str(kind), "severity": "warning", **values})


def _command(where: str, command: Any, problems: list[str]) -> tuple[str, ...]:
    try:
        return command_line(command)
    except ValueError as error:
        # An argument may be a secret, and so may what stands in place of all of them.
        words = command if isinstance(command, list) else str(command).split()
        is_text = isinstance(command, (str, list)) and words and isinstance(words[0], str)
        problems.append(f"{where}command{f' = {shown(words[0])}' if is_text else ''} {error}")
        return ()


def _check_url(where: str, url: Any, kind: ChannelKind, problems: list[str]) -> None:
    if not isinstance(url, str):
        problems.append(f'{where}url is no text; write it like "https://..."')
        return
    try:
        channel_url(url, kind)
    except ValueError as error:
        # Without a scheme and a host nothing tells what is a secret.
        told = f" = {shown(redact_url(url))}" if re.match("[a-z]+://[^/]", url) else ""
        problems.append(f"{where}url{told} {error}")
