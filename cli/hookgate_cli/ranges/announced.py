"""What RIPEstat says of a network's prefixes, read strictly.

https://stat.ripe.net/docs/data-api/api-endpoints/announced-prefixes: `data` holds `prefixes`, of
the last two weeks, each with the times when it was seen (`timelines`), and `query_endtime`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import netaddr

from hookgate.networks.cidr import SHORTEST_PREFIX, read_cidr
from hookgate.policy.document import parse
from hookgate.policy.verdict import Finding

from .source import SourceError

AUTONOMOUS_SYSTEM = "15447"
# Its collectors are looked at every eight hours.
_STALE = timedelta(days=1)
_DEPTH, _VALUES = 16, 200_000
_MOST_PREFIXES = 10_000
_KINDS: dict[type, str] = {dict: "object", list: "list", str: "text"}


class Announced(NamedTuple):
    """Hold the prefixes that are announced now, and as of when, None where that is not said.

    `withdrawn` were announced within the last two weeks, with the time of the last look at them.
    """

    prefixes: tuple[netaddr.IPNetwork, ...]
    withdrawn: dict[netaddr.IPNetwork, datetime]
    at: datetime | None


def read_announced(text: bytes) -> Announced:
    """Read an answer. Raises `SourceError` for anything else, and quotes nothing of it."""
    document = parse(text, _DEPTH, _VALUES)
    if not isinstance(document, dict):
        why = document.details[0] if isinstance(document, Finding) else "a list"
        raise SourceError(f"holds no JSON object that can be read: {why}")
    answer = _member(document, "", "data", dict)
    status = document.get("status", "ok")
    if status != "ok":
        raise SourceError('says that it could not answer: /status is not "ok"')
    resource = answer.get("resource", AUTONOMOUS_SYSTEM)
    if str(resource).upper().removeprefix("AS") != AUTONOMOUS_SYSTEM:
        raise SourceError(f"tells of another network than AS{AUTONOMOUS_SYSTEM} (/data/resource)")
    at = _time(answer, "/data", "query_endtime") if "query_endtime" in answer else None
    prefixes: list[netaddr.IPNetwork] = []
    withdrawn: dict[netaddr.IPNetwork, datetime] = {}
    found = _member(answer, "/data", "prefixes", list)
    if len(found) > _MOST_PREFIXES:
        raise SourceError(f"names more than {_MOST_PREFIXES:,} prefixes")
    for number, item in enumerate(found):
        where = f"/data/prefixes/{number}"
        if type(item) is not dict:
            raise SourceError(f"has no object at {where}")
        network = read_cidr(_member(item, where, "prefix", str))
        if network is None or network.ip != network.network or network.prefixlen < SHORTEST_PREFIX:
            raise SourceError(f"has no network at {where}/prefix")
        last = _last_seen(item, where)
        if at is not None and last is not None and at - last > _STALE:
            withdrawn[network] = last
        else:
            prefixes.append(network)
    return Announced(tuple(prefixes), withdrawn, at)


def _last_seen(item: dict[str, Any], where: str) -> datetime | None:
    if "timelines" not in item:
        return None
    times = []
    for number, period in enumerate(_member(item, where, "timelines", list)):
        if type(period) is not dict:
            raise SourceError(f"has no object at {where}/timelines/{number}")
        times.append(_time(period, f"{where}/timelines/{number}", "endtime"))
    return max(times, default=None)


def _member(of: Any, where: str, name: str, kind: type) -> Any:
    value = of.get(name)
    if type(value) is not kind:
        raise SourceError(f"has no {_KINDS[kind]} at {where}/{name}")
    return value


def _time(of: Any, where: str, name: str) -> datetime:
    """Read a time as they are written there: ISO 8601, in UTC without saying so."""
    try:
        moment = datetime.fromisoformat(_member(of, where, name, str))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise SourceError(f"has no time at {where}/{name}") from None
