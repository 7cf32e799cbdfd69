"""What the keys of a channel of alarms take, and the URLs that files hold."""

import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from hookgate.alarm_settings import ChannelKind
from hookgate.networks.addresses import is_loopback

from .parsers import HOST, text

LONGEST_NAME = 64
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# Visible ASCII, as a URL is written (RFC 3986); a backslash is read as a slash by some.
_URL = re.compile(r"[!-\[\]-~]{1,2048}")
# https://docs.ntfy.sh/publish/: a topic, which is all that its path may hold.
_NTFY_PATH = re.compile(r"/[-_A-Za-z0-9]{1,64}")
_EXAMPLES = {
    ChannelKind.JSON: "https://example.com/alarms",
    ChannelKind.SLACK: "https://hooks.slack.com/services/...",
    ChannelKind.NTFY: "https://ntfy.sh/TOPIC",
    ChannelKind.ALERTMANAGER: "http://127.0.0.1:9093",
}


def channel_name(value: Any) -> str:
    """Take a name of letters, digits, "_", "." and "-"."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(
            f'is no name; write up to {LONGEST_NAME} letters, digits, "_", "." and "-", '
            'like "on-call"'
        )
    return value


def command_line(value: Any) -> tuple[str, ...]:
    """Take a list that begins with the absolute path of a program."""
    if not isinstance(value, list):
        raise ValueError('is no list; write ["/path/of/a/program", "an argument"]')
    if not all(isinstance(word, str) for word in value):
        raise ValueError("holds what is no text; write each argument in quotes")
    if not value or not value[0].startswith("/"):
        raise ValueError('does not begin with an absolute path; write it like ["/usr/bin/tell"]')
    if not all(map(str.isprintable, value)):
        raise ValueError("holds a control character; write it without")
    return tuple(value)


def proxy_url(value: Any) -> str:
    """Take http:// or https://, a host and a port; "" for none."""
    if not text(value):
        return ""
    mend = 'write it like "http://proxy.example.com:3128"'
    if "@" in value:
        raise ValueError(f"has a user or a password, which are not sent to a proxy; {mend}")
    parts = _split(value)
    if parts is None or parts.path not in ("", "/") or parts.query:
        raise ValueError(f"is no http or https URL of a proxy; {mend}")
    return f"{parts.scheme}://{parts.netloc}"


def channel_url(value: str, kind: ChannelKind) -> str:
    """Take the URL that a channel of this kind is posted to.

    Raises ValueError with words that hold nothing of it: it may be a secret.
    """
    mend = f'write it like "{_EXAMPLES[kind]}"'
    parts = _split(value)
    if parts is None:
        raise ValueError(f"is no http or https URL of visible ASCII; {mend}")
    if parts.username is not None and not (parts.username and parts.password):
        raise ValueError(f"has a user without a password, or the reverse; {mend}")
    if kind is ChannelKind.NTFY and (not _NTFY_PATH.fullmatch(parts.path) or parts.query):
        raise ValueError(f"does not end in a topic of ntfy, and nothing else; {mend}")
    if kind is ChannelKind.ALERTMANAGER and parts.query:
        raise ValueError(f"has a query, which Alertmanager's has not; {mend}")
    return value


def is_exposed(url: str, kind: ChannelKind, has_token: bool) -> bool:
    """Whether a secret would cross the network in clear: by http, and not to this machine."""
    parts = urlsplit(url)
    secret_path = kind is not ChannelKind.ALERTMANAGER and parts.path not in ("", "/")
    is_secret = has_token or secret_path or bool(parts.query or parts.username)
    return parts.scheme == "http" and is_secret and not is_loopback(parts.hostname or "")


def _split(value: str) -> SplitResult | None:
    if not _URL.fullmatch(value):
        return None
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    is_url = parts.scheme in ("http", "https") and HOST.fullmatch(parts.hostname or "")
    return parts if is_url and port != 0 and "#" not in value else None
