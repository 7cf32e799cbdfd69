"""What `hookgate watch` goes by, as values: its alarms, and the channels that tell of them."""

from dataclasses import dataclass, field
from enum import StrEnum


class ChannelKind(StrEnum):
    """How an alarm is told."""

    JSON = "json"
    SLACK = "slack"
    NTFY = "ntfy"
    ALERTMANAGER = "alertmanager"
    COMMAND = "command"


class Stdin(StrEnum):
    """What a command reads of an alarm."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One channel of alarms. `url` and `token` are secrets; those that files hold are "" until
    `config/channel_files.py` has read them. `severity` is the least that is told.
    """

    name: str
    kind: ChannelKind
    severity: str
    url: str = field(default="", repr=False)
    url_file: str = ""
    token: str = field(default="", repr=False)
    token_file: str = ""
    proxy: str = ""
    ca_file: str = ""
    command: tuple[str, ...] = field(default=(), repr=False)
    stdin: Stdin = Stdin.TEXT


@dataclass(frozen=True, slots=True)
class Frequency:
    """So many in a span of so many seconds."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """What `hookgate watch` raises, each by what it goes by: seconds, a `Frequency` or a share.

    None is off. `gate` "" is the name of the machine. `ledgers` are followed beside `audit.path`.
    """

    gate: str
    state: str
    ledgers: tuple[str, ...]
    silence: float | None
    lost: Frequency | None
    endpoint: Frequency | None
    refusals: Frequency | None
    near: Frequency | None
    gate_fails: Frequency | None
    ledger_fails: float | None
    ledger_gone: float | None
    ledger_unread: float | None
    stopped: float | None
    not_ready: float | None
    restarts: Frequency | None
    workers: float | None
    custody: float | None
    not_kept: Frequency | None
    quarantine_full: float | None
    quarantine_old: float | None
    shipping: float | None
    certificate: float | None
    ranges: float | None
