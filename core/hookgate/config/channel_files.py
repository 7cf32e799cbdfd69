"""The files that channels of alarms name: read by who tells the alarms, not by the gate."""

import os
import ssl
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from hookgate.alarm_settings import ChannelKind, ChannelSettings
from hookgate.files import FileError, read_file
from hookgate.paths import is_file
from hookgate.tls import add_ca

from .channel_values import channel_url, is_exposed
from .channels import build_channels
from .error import ConfigError
from .key_files import read_private
from .layers import Sources
from .redaction import shown, shown_path, shown_secret_path


def read_watch_channels(
    sources: Sources,
) -> tuple[tuple[ChannelSettings, ...], tuple[str, ...]]:
    """Read, as `read_channels`, the channels of a configuration, whatever else is wrong."""
    problems: list[str] = []
    channels = build_channels(sources.channels, problems)
    if problems:
        raise ConfigError(problems)
    return read_channels(channels)


def read_channels(
    channels: Sequence[ChannelSettings],
) -> tuple[tuple[ChannelSettings, ...], tuple[str, ...]]:
    """Return the channels with their URLs and tokens, and a line for what had better be mended.

    Raises `ConfigError` with every problem. No line holds anything of a secret.
    """
    problems: list[str] = []
    warnings: list[str] = []
    read = tuple(_read(channel, problems, warnings) for channel in channels)
    if problems:
        raise ConfigError(problems)
    return read, tuple(warnings)


def _read(channel: ChannelSettings, problems: list[str], warnings: list[str]) -> ChannelSettings:
    where = f'alarm.channel "{channel.name}": '
    if channel.kind is ChannelKind.COMMAND:
        _check_program(where, channel.command[0], problems)
        return channel
    url, token = channel.url, ""
    if channel.url_file:
        named = f"{where}url_file = {shown_secret_path(channel.url_file)}"
        line = _line(named, channel.url_file, "URL", problems, warnings)
        try:
            url = channel_url(line, channel.kind) if line else ""
        except ValueError as error:
            problems.append(f"{named} holds a line that {error}")
            url = ""
    if channel.token_file:
        named = f"{where}token_file = {shown_secret_path(channel.token_file)}"
        token = _line(named, channel.token_file, "token", problems, warnings)
    if channel.ca_file:
        _check_ca(f"{where}ca_file = {shown_path(channel.ca_file)}", channel.ca_file, problems)
    if url and is_exposed(url, channel.kind, bool(token)):
        warnings.append(
            f"{where}a secret is sent over http to another machine, where anybody on the way can "
            "read it; write https"
        )
    if token and urlsplit(url).username is not None:
        problems.append(
            f"{where}token_file cannot be used with a user and password in the URL; leave one out"
        )
    return replace(channel, url=url, token=token)


def _line(named: str, path: str, what: str, problems: list[str], warnings: list[str]) -> str:
    """Return the one line of a secret's file, "" where it cannot be used."""
    try:
        data, warning = read_private(path)
    except FileError as error:
        problems.append(f"{named} {error}")
        return ""
    if warning:
        warnings.append(f"{named} {warning}")
    line = data.strip()
    if not line or len(line) > 4096 or any(not 0x21 <= byte <= 0x7E for byte in line):
        problems.append(f"{named} holds no {what}; write it as one line of visible ASCII")
        return ""
    return line.decode()


def _check_program(where: str, path: str, problems: list[str]) -> None:
    named = f"{where}command = {shown(path)}"
    if not is_file(path):
        problems.append(f"{named} is no file; name a program")
    elif not os.access(path, os.X_OK):
        problems.append(f"{named} cannot be run; make it executable")


def _check_ca(named: str, path: str, problems: list[str]) -> None:
    try:
        read_file(path)
        add_ca(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), path)
    except ValueError as error:
        problems.append(f"{named} {error}")
