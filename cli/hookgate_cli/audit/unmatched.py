"""What was asked for and no record has: a slip would choose nothing without a word."""

from collections.abc import Iterable, Iterator

from hookgate.config.contracts import SHIPPED_CONTRACTS
from hookgate.config.layers import gather
from hookgate.ledger.audit.query import Query
from hookgate.ledger.reading.reader import Line
from hookgate.ledger.record import Record
from hookgate.policy import Outcome, Reason
from hookgate.wording import nearest, offer
from hookgate_cli.common import err
from hookgate_cli.terminal import printable

# What a record may have that this ledger need not have.
_KNOWN: dict[str, tuple[str, ...]] = {
    "outcome": tuple(Outcome),
    "reason": tuple(reason.code for reason in Reason),
    "front": ("sidecar", "addon", "nginx", "replay"),
}
_OPTIONS = {"event_type": "type"}
_MOST_SEEN = 200


class Unmatched:
    """See which values records have where some are asked for.

    `sees_all` says that it is shown each record, and not only those that are asked for.
    """

    def __init__(self, query: Query, config: str | None, *, sees_all: bool = True) -> None:
        wanted = {name: set(values) for name, values in query.fields}
        if query.routes:
            wanted["route"] = set(query.routes)
        self._wanted = wanted
        self._sees_all = sees_all
        self._known = _KNOWN | {"route": _routes(config)} if "route" in wanted else _KNOWN
        self._seen: dict[str, set[str]] = {name: set() for name in wanted}

    def watch(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Pass the lines on as they come."""
        for line in lines:
            if line.record is not None and self._wanted:
                self.note(line.record)
            yield line

    def note(self, record: Record) -> None:
        """See what one record has."""
        for name, seen in self._seen.items():
            value = record.get(name)
            if type(value) is str and len(seen) < _MOST_SEEN:
                seen.add(value)
                path = record.get("path") if name == "route" else None
                if type(path) is str:
                    seen.add(path)

    def tell(self) -> None:
        """Say on stderr what no record has, and what was most likely meant."""
        for name, wanted in self._wanted.items():
            known = dict.fromkeys((*sorted(self._seen[name]), *self._known.get(name, ())))
            for value in sorted(wanted.difference(known)):
                if (self._sees_all and known) or nearest(value, known) is not None:
                    told = f'nothing found has --{_OPTIONS.get(name, name)} "{value}"'
                    err.print(printable(f"{told}; {offer(value, known)}"), soft_wrap=True)


def _routes(config: str | None) -> tuple[str, ...]:
    """The paths and contracts of routes: those of the configuration, and what is shipped."""
    given = gather(config).routes.value
    routes = given if isinstance(given, list) else []
    tables = (route for route in routes if isinstance(route, dict))
    named = (route.get(key) for route in tables for key in ("path", "contract"))
    return (*(name for name in named if isinstance(name, str)), *SHIPPED_CONTRACTS)
