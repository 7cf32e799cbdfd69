"""What `hookgate watch` goes by: its own section, and where the gate's things are.

Nothing else is checked, and no secret is read: another user may run it.
"""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from hookgate.address import ListenAddress
from hookgate.alarm_settings import AlarmSettings
from hookgate.networks.ranges import SHIPPED
from hookgate.settings import QuarantineSettings

from .certificates import CERTIFICATES
from .draft import Draft
from .error import ConfigError
from .keys import KEYS, ROUTE_KEYS
from .layers import Given, Sources
from .quarantine import make_settings
from .tables import parse_table

_OTHERS = ("audit.path", "sidecar.admin", "source.allow", "fleet.name", *CERTIFICATES)


class WatchSettings(NamedTuple):
    """Hold what is watched. `silences` are the routes' own spans in seconds, by path; None is off.

    `certificates` are files by their keys. `ranges` are the shipped sets that are
    allowed. `is_shipped` says that the gate belongs to a fleet.
    """

    alarm: AlarmSettings
    ledger: str
    admin: ListenAddress | None
    quarantine: QuarantineSettings
    silences: Mapping[str, float | None]
    certificates: Mapping[str, str]
    ranges: tuple[str, ...]
    is_shipped: bool


def read_watch_settings(sources: Sources) -> WatchSettings:
    """Read them. Raises `ConfigError` with every problem of these keys."""
    # A key of the gate's that is none is for the gate to refuse.
    ours = (line for line in sources.problems if sources.unread or "alarm" in line.lower())
    draft = Draft(sources.keys, ours)
    draft.parse(
        key for key in KEYS if key.section in ("alarm", "quarantine") or key.path in _OTHERS
    )
    values = draft.values
    alarm = AlarmSettings(**_section(values, "alarm"))
    silences = _read_silences(sources.routes, alarm.silence, draft.problems)
    if not alarm.state:
        draft.problems.append('alarm.state is empty; name a file, like "hookgate-alarms.json"')
    ledger = "" if values["audit.path"] == "-" else values["audit.path"]
    if not (ledger or alarm.ledgers or values["sidecar.admin"]):
        draft.problems.append(
            "nothing can be watched: audit.path is standard output; name its file in alarm.ledgers,"
            " or set sidecar.admin"
        )
    if draft.problems:
        raise ConfigError(draft.problems)
    return WatchSettings(
        alarm,
        ledger,
        values["sidecar.admin"],
        make_settings(_section(values, "quarantine")),
        silences,
        {where: values[where] for where in CERTIFICATES if values[where]},
        tuple(name for name in values["source.allow"] if name in SHIPPED),
        bool(values["fleet.name"]),
    )


def read_admin(sources: Sources) -> ListenAddress | None:
    """Read where the gate's admin listener is, None without one. Raises `ConfigError`."""
    draft = Draft(sources.keys, sources.problems if sources.unread else ())
    draft.parse(key for key in KEYS if key.path == "sidecar.admin")
    if draft.problems:
        raise ConfigError(draft.problems)
    admin: ListenAddress | None = draft.values["sidecar.admin"]
    return admin


def gate_name(alarm: AlarmSettings) -> str:
    """Return what this gate is called."""
    return alarm.gate or os.uname().nodename


def _section(values: Mapping[str, Any], section: str) -> dict[str, Any]:
    return {key.name: values[key.path] for key in KEYS if key.section == section}


def _read_silences(
    routes: Given, otherwise: float | None, problems: list[str]
) -> dict[str, float | None]:
    items = routes.value if isinstance(routes.value, list) else []
    known = {name: ROUTE_KEYS[name] for name in ("path", "silence")}
    found: dict[str, float | None] = {}
    for number, item in enumerate(items, 1):
        if isinstance(item, dict):
            given = {name: value for name, value in item.items() if name in known}
            values = parse_table(known, given, f"{routes.origin}: route {number}: ", problems)
            if path := values.get("path"):
                found[path] = values.get("silence", otherwise)
    return found
