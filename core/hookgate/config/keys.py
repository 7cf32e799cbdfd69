"""Every key of hookgate.toml: its type, its default and what it is for.

`build.py` reads by this table, `hookgate config init` prints it, docs/configuration.md is tested
against it. A parser takes what TOML or the environment gave and returns the value, or raises
ValueError with words that follow "is" or name the mend.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from hookgate.address import ListenAddress, parse_listen_address, parse_unix_address
from hookgate.policy import OBSERVABLE
from hookgate.policy.document import DEEPEST
from hookgate.settings import Fsync, Mode, PersonalData

from .client_field import client_field
from .route_path import parse_route_path

_SIZE = re.compile(r"([0-9]{1,15}) ?(B|KiB|MiB|GiB)")
_SIZE_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h)")
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_FILE_MODE = re.compile(r"0?[0-7]{3}")

# A DNS name (a service's may hold "_"), or an address; an IPv6 one without its brackets.
_HOST = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+")

Parser = Callable[[Any], Any]


class Key(NamedTuple):
    """One key. `default` is what TOML would give."""

    section: str
    name: str
    default: Any
    parse: Parser
    about: str

    @property
    def path(self) -> str:
        """The key as messages name it: `section.name`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that overrides the key."""
        return f"HOOKGATE_{self.section}__{self.name}".upper()


def text(value: Any) -> str:
    """A string without control characters."""
    if not isinstance(value, str):
        raise ValueError("is no string")
    if any(ord(character) < 32 for character in value):
        raise ValueError("holds a control character")
    return value


def boolean(value: Any) -> bool:
    """true or false; the environment's strings count."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError("is neither true nor false")


def strings(value: Any) -> tuple[str, ...]:
    """A list of strings; from the environment, separated by commas."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list):
        raise ValueError('is no list; write ["...", "..."]')
    return tuple(text(item) for item in value)


def number(low: int, high: int) -> Parser:
    """A whole number within bounds."""

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
    """Bytes with a unit, as in "16KiB"."""

    def parse(value: Any) -> int:
        match = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError('is no size; write a number with B, KiB, MiB or GiB, like "1MiB"')
        amount = int(match[1]) * _SIZE_UNITS[match[2]]
        if not low <= amount <= high:
            raise ValueError(f"is not between {low} and {high} bytes")
        return amount

    return parse


def duration(low: float, high: float) -> Parser:
    """Seconds from a number with a unit, as in "30s"."""

    def parse(value: Any) -> float:
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError('is no duration; write a number with ms, s, m or h, like "30s"')
        seconds = float(match[1]) * _DURATION_UNITS[match[2]]
        if not low <= seconds <= high:
            raise ValueError(f"is not between {low:g} and {high:g} seconds")
        return seconds

    return parse


def choice(*options: str) -> Parser:
    """One of a few words."""

    def parse(value: Any) -> str:
        if value not in options:
            raise ValueError(f"is none of {', '.join(options)}")
        return str(value)

    return parse


def methods(value: Any) -> tuple[str, ...]:
    """Methods whose requests carry a body; an event has no other form."""
    allowed = ("POST", "PUT", "PATCH")
    names = strings(value)
    if not names or not set(names) <= set(allowed):
        raise ValueError(f"may hold {', '.join(allowed)}, at least one")
    return tuple(dict.fromkeys(names))


def upstream_url(value: Any) -> str:
    """http://host[:port], https:// or unix:/path of a socket that speaks HTTP.

    The sender's target is kept, so no path may follow the host.
    """
    if not value:
        raise ValueError('is missing; set it here or with --upstream, like "http://127.0.0.1:8080"')
    if (unix := parse_unix_address(text(value))) is not None:
        return str(unix)
    if "@" in text(value):
        raise ValueError(
            "has a user or a password before its host, which do not belong there: they would show in"
            ' logs, and are not sent; write it like "http://127.0.0.1:8080"'
        )
    try:
        parts: SplitResult = urlsplit(value)
        port = parts.port
    except ValueError:
        # What it says would quote what may be a password.
        raise ValueError('is no URL; write it like "http://127.0.0.1:8080"') from None
    if (
        parts.scheme not in ("http", "https")
        or not _HOST.fullmatch(parts.hostname or "")
        or port == 0
    ):
        raise ValueError('is no http or https URL; write it like "http://127.0.0.1:8080"')
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(
            "has more than scheme, host and port; the target of each request is kept as it came"
        )
    return f"{parts.scheme}://{parts.netloc}"


def upstream_host(value: Any) -> str:
    """`preserve`, `upstream`, or a literal Host value."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9._~-]+(:[0-9]{1,5})?", value):
        raise ValueError('is neither "preserve", "upstream" nor a host name')
    return value


def listen_address(value: Any) -> ListenAddress:
    """host:port, [v6]:port, :port or unix:/path; port 0 lets the system choose."""
    return parse_listen_address(text(value))


def admin_address(value: Any) -> ListenAddress | None:
    """As `listen_address`; "" is None."""
    return listen_address(value) if value != "" else None


def file_mode(value: Any) -> int:
    """Who may read and write a file, as chmod(1) takes it: three octal digits."""
    if not isinstance(value, str) or not _FILE_MODE.fullmatch(value):
        raise ValueError('is no file mode; write three octal digits, like "0660"')
    return int(value, 8)


_MODE = choice(*Mode)

KEYS: tuple[Key, ...] = (
    Key("upstream", "url", "", upstream_url, 'Where clean events go: http://, https:// or "unix:/path". Required, here or by --upstream.'),
    Key("upstream", "host", "preserve", upstream_host, 'The Host sent upstream: "preserve", "upstream" (the one in url), or a literal.'),
    Key("upstream", "timeout", "5s", duration(0.01, 3600), "Connecting and the whole exchange."),
    Key("upstream", "max_connections", 128, number(1, 65535), "Pooled connections to the upstream."),
    Key("upstream", "max_response", "1MiB", size(1024, 2**30), "The largest answer that is relayed."),
    Key("upstream", "ca_file", "", text, "CA certificates for https, PEM; empty means the system's."),
    Key("upstream", "client_cert", "", text, "Client certificate for https, PEM."),
    Key("upstream", "client_key", "", text, "Its key, PEM; empty means it is in client_cert."),
    Key("source", "allow", ["cm.com"], strings, "Who may send: CIDRs and names of shipped range sets."),
    Key("source", "allow_file", "", text, "A file of more of them, one a line, watched for changes."),
    Key("source", "trusted_proxies", [], strings, 'Peers whose forwarding field is believed: CIDRs, and "unix" for whoever connects to a Unix socket.'),
    Key("source", "trusted_proxies_file", "", text, "A file of more of them, one a line, watched for changes."),
    Key("source", "header", "x-forwarded-for", client_field, "The field that names the client: x-forwarded-for, forwarded, x-real-ip, or one that holds a single address, like cf-connecting-ip. Read from trusted proxies only."),
    Key("source", "proxy_protocol", False, boolean, "Trusted proxies begin each connection with a PROXY protocol header, v1 or v2."),
    Key("request", "methods", ["POST"], methods, "The methods that events may come with."),
    Key("request", "max_body", "1MiB", size(1, 2**30), "The largest body that is read."),
    Key("request", "max_depth", 64, number(1, DEEPEST), "The deepest nesting of objects and arrays."),
    Key("request", "max_values", 10_000, number(1, 1_000_000), "The most values in a body: objects, arrays, strings, numbers, true, false and null."),
    *(
        Key("checks", name, "enforce", _MODE, f"What a finding of the {name} check does: enforce or observe.")
        for name in OBSERVABLE
    ),
    Key("audit", "path", "hookgate-audit.jsonl", text, 'The ledger; "-" is stdout.'),
    Key("audit", "personal_data", "mask", choice(*PersonalData), "How from and to are recorded: mask, hmac, plain or omit."),
    Key("audit", "key_file", "", text, "The secret for hmac, at least 16 bytes."),
    Key("audit", "seal_key_file", "", text, "The keys that seal each line, one a line, at least 16 bytes each: the first seals, older ones below it still prove."),
    Key("audit", "fsync", "interval", choice(*Fsync), "When lines are forced to disk: never, interval (1 s or 50 records, but 50 ms apart) or always."),
    Key("sidecar", "listen", "127.0.0.1:8081", listen_address, 'Where the sidecar listens: host:port, ":8081" for every address of both families, or "unix:/path".'),
    Key("sidecar", "socket_mode", "0660", file_mode, "Who may connect to a Unix socket of listen or admin, as a file mode."),
    Key("sidecar", "workers", 1, number(1, 256), "Worker processes; each writes a ledger of its own."),
    Key("sidecar", "max_connections", 1024, number(1, 1_000_000), "Open connections in all."),
    Key("sidecar", "max_foreign_connections", 64, number(1, 1_000_000), "Of those, by senders that are not allowed, also through a trusted proxy."),
    Key("sidecar", "max_unnamed_connections", 128, number(1, 1_000_000), "Of those, by trusted proxies that have not named their client yet; beyond, the oldest is closed."),
    Key("sidecar", "max_in_flight", 512, number(1, 1_000_000), "Deliveries at a time in one worker; beyond, 503 and try again."),
    Key("sidecar", "max_buffered", "64MiB", size(1024, 2**40), "Bytes of bodies that one worker holds at a time; beyond, 503 and try again."),
    Key("sidecar", "max_head", "16KiB", size(256, 2**20), "The largest request head."),
    Key("sidecar", "max_fields", 100, number(1, 10_000), "The most header fields."),
    Key("sidecar", "head_timeout", "10s", duration(0.05, 3600), "For the whole head, from its first byte or the connection's start."),
    Key("sidecar", "body_timeout", "30s", duration(0.05, 3600), "For the whole body."),
    Key("sidecar", "keep_alive", "75s", duration(0.05, 86400), "How long an idle connection stays open."),
    Key("sidecar", "drain", "15s", duration(0, 3600), "How long a stop waits for deliveries in flight."),
    Key("sidecar", "worker_timeout", "30s", duration(1, 3600), "How long one of several workers may leave its supervisor without an answer; it is then killed and replaced."),
    Key("sidecar", "admin", "", admin_address, 'Where health and metrics are served, like "127.0.0.1:9180"; empty is off. Written as listen is.'),
    Key("sidecar", "ready_needs_upstream", False, boolean, "Whether /readyz also wants a connection to the upstream."),
    Key("sidecar", "tls_cert", "", text, "Certificate chain of the listener, PEM."),
    Key("sidecar", "tls_key", "", text, "Its key, PEM."),
    Key("sidecar", "tls_client_ca", "", text, "CA that senders' certificates must come from, PEM."),
)  # fmt: skip

ROUTE_KEYS = {
    "path": (
        parse_route_path,
        "An exact path, byte for byte. Without any route every path is taken.",
    ),
    "contract": (text, "A shipped contract's name, or the path of a JSON Schema file."),
}
SECTIONS = tuple(dict.fromkeys(key.section for key in KEYS))
