"""What each kind of key takes.

A parser takes what TOML or the environment gave and returns the value, or raises ValueError with
words that follow the key's name and value, and name the mend.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from hookgate.address import ListenAddress, parse_listen_address, parse_unix_address
from hookgate.alarm_settings import Frequency

from .redaction import shown

_SIZE = re.compile(r"([0-9]{1,15}) ?(B|KiB|MiB|GiB)")
_SIZE_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)")
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PERCENTAGE = re.compile(r"([0-9]{1,3}) ?%")
_FILE_MODE = re.compile(r"0?[0-7]{3}")

# A DNS name (a service's may hold "_"), or an address; an IPv6 one without its brackets.
HOST = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+")

Parser = Callable[[Any], Any]


def text(value: Any) -> str:
    """Take a string without control characters."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        raise ValueError(f"is a list; write {shown(value[0])}")
    if not isinstance(value, str):
        raise ValueError(f"is no text; write {_quoted(value)}")
    if any(ord(character) < 32 for character in value):
        raise ValueError("holds a control character; write it without")
    return value


def _quoted(value: Any) -> str:
    """A value as TOML writes the text of it; that of a table or list is not known."""
    if not isinstance(value, str | int | float):
        return '"..."'
    return shown(value if isinstance(value, str) else json.dumps(value))


def boolean(value: Any) -> bool:
    """Take true or false; the environment's strings count."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError("is neither true nor false")


def strings(value: Any) -> tuple[str, ...]:
    """Take a list of strings; from the environment, separated by commas."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list):
        raise ValueError('is no list; write ["...", "..."]')
    if not all(isinstance(item, str) for item in value):
        raise ValueError(f"is no list of texts; write [{', '.join(map(_quoted, value))}]")
    return tuple(text(item) for item in value)


def number(low: int, high: int) -> Parser:
    """Make a parser of whole numbers from `low` to `high`."""

    def parse(value: Any) -> int:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if type(value) is not int:
            raise ValueError(f"is no whole number; write one between {low} and {high}")
        if not low <= value <= high:
            raise ValueError(f"is not between {low} and {high}")
        return value

    return parse


def size(low: int, high: int) -> Parser:
    """Make a parser of bytes from `low` to `high`, written with a unit, as in "16KiB"."""

    def parse(value: Any) -> int:
        match = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            if _is_bare(value):
                raise ValueError(f'is no size without a unit; write "{value}B", or KiB, MiB or GiB')
            raise ValueError('is no size; write a number with B, KiB, MiB or GiB, like "1MiB"')
        amount = int(match[1]) * _SIZE_UNITS[match[2]]
        if not low <= amount <= high:
            raise ValueError(f"is not between {low} and {high} bytes")
        return amount

    return parse


def duration(low: float, high: float) -> Parser:
    """Make a parser of seconds from `low` to `high`, written with a unit, as in "30s"."""

    def parse(value: Any) -> float:
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            if _is_bare(value):
                offered = f"{value}{'d' if low >= _DURATION_UNITS['d'] else 's'}"
                raise ValueError(
                    f'is no duration without a unit; write "{offered}", or with another of ms, s, '
                    "m, h and d"
                )
            raise ValueError('is no duration; write a number with ms, s, m, h or d, like "30s"')
        seconds = float(match[1]) * _DURATION_UNITS[match[2]]
        if not low <= seconds <= high:
            raise ValueError(f"is not between {low:g} and {high:.10g} seconds")
        return seconds

    return parse


def _is_bare(value: Any) -> bool:
    """Tell whether it is a number that lacks its unit, as TOML or the environment gives it."""
    text = str(value) if type(value) is int else value
    return isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 15


def percentage(value: Any) -> float:
    """Take a share, written as in "90%"; returns it as a part of 1."""
    match = _PERCENTAGE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match[1]) <= 100:
        raise ValueError('is no share; write one from "1%" to "100%", like "90%"')
    return int(match[1]) / 100


def frequency(value: Any) -> Frequency:
    """Take how many in how long a span of at most a day, written as in "3 in 15m"."""
    count, separator, span = value.partition(" in ") if isinstance(value, str) else ("", "", "")
    if not (separator and count.isascii() and count.isdigit() and 1 <= len(count) <= 6):
        raise ValueError('is not how many in how long; write it like "3 in 15m"')
    if int(count) < 1:
        raise ValueError('is always so; write at least "1 in ..."')
    return Frequency(int(count), duration(1, 86_400)(span))


def or_off(parse: Parser) -> Parser:
    """Make a parser that takes "off" too, and returns None for it."""

    def parse_or_off(value: Any) -> Any:
        if value == "off":
            return None
        try:
            return parse(value)
        except ValueError as error:
            raise ValueError(f'{error}; "off" turns it off') from None

    return parse_or_off


def choice(*options: str) -> Parser:
    """Make a parser of one of a few words."""

    def parse(value: Any) -> str:
        if value not in options:
            listed = ", ".join(f'"{option}"' for option in options)
            raise ValueError(f"is none of {listed}")
        return str(value)

    return parse


def choices(*options: str) -> Parser:
    """Make a parser of a list that holds at least one of a few words."""

    def parse(value: Any) -> tuple[str, ...]:
        names = strings(value)
        if not names or not set(names) <= set(options):
            listed = ", ".join(f'"{option}"' for option in options)
            raise ValueError(f"may hold {listed}, at least one")
        return tuple(option for option in options if option in names)

    return parse


def methods(value: Any) -> tuple[str, ...]:
    """Take methods whose requests carry a body; an event has no other form."""
    allowed = ("POST", "PUT", "PATCH")
    names = strings(value)
    if not names or not set(names) <= set(allowed):
        raise ValueError(f"may hold {', '.join(allowed)}, at least one")
    return tuple(dict.fromkeys(names))


def upstream_url(value: Any) -> str:
    """Take http://host[:port], https:// or unix:/path of a socket that speaks HTTP.

    The sender's target is kept, so no path may follow the host.
    """
    if not value:
        raise ValueError('is missing; set it here or with --upstream, like "http://127.0.0.1:8080"')
    if (unix := parse_unix_address(text(value))) is not None:
        return str(unix)
    if "@" in text(value):
        raise ValueError(
            "has a user or a password before its host, which do not belong there: they would show "
            'in logs, and are not sent; write it like "http://127.0.0.1:8080"'
        )
    try:
        parts: SplitResult = urlsplit(value)
        port = parts.port
    except ValueError:
        # What it says would quote what may be a password.
        raise ValueError('is no URL; write it like "http://127.0.0.1:8080"') from None
    if (
        parts.scheme not in ("http", "https")
        or not HOST.fullmatch(parts.hostname or "")
        or port == 0
    ):
        raise ValueError('is no http or https URL; write it like "http://127.0.0.1:8080"')
    origin = f"{parts.scheme}://{parts.netloc}"
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(
            "has more than scheme, host and port; the target of each request is kept as it came:"
            f' write "{origin}"'
        )
    return origin


def upstream_host(value: Any) -> str:
    """Take `preserve`, `upstream`, or a literal Host value."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9._~-]+(:[0-9]{1,5})?", value):
        raise ValueError('is neither "preserve", "upstream" nor a host name')
    return value


def listen_address(value: Any) -> ListenAddress:
    """Take host:port, [v6]:port, :port or unix:/path; port 0 lets the system choose."""
    return parse_listen_address(text(value))


def admin_address(value: Any) -> ListenAddress | None:
    """Take what `listen_address` takes; "" is None."""
    return parse_listen_address(text(value), "127.0.0.1:9180") if value != "" else None


def file_mode(value: Any) -> int:
    """Take who may read and write a file, as chmod(1) takes it: three octal digits."""
    if not isinstance(value, str) or not _FILE_MODE.fullmatch(value):
        raise ValueError('is no file mode; write three octal digits, like "0660"')
    return int(value, 8)
