"""What was asked for and no record has: a slip would choose nothing without a word."""

from collections.abc import Iterable, Iterator, Mapping

from hookgate.ledger.audit.query import Query
from hookgate.ledger.reading.reader import Line
from hookgate.ledger.record import Record
from hookgate.policy import Outcome, Reason
from hookgate.wording import offer
from hookgate_cli.common import err
from hookgate_cli.terminal import printable

# What a record may have that this ledger need not have.
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "outcome": tuple(Outcome),
    "reason": tuple(reason.code for reason in Reason),
    "front": ("sidecar", "addon", "nginx"),
}
_OPTIONS = {"event_type": "type"}
_MOST_SEEN = 200


class Unmatched:
    """See which values records have where some are asked for."""

    def __init__(self, query: Query) -> None:
        wanted = {name: set(values) for name, values in query.fields}
        if query.routes:
            wanted["route"] = set(query.routes)
        self._wanted = wanted
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
            seen = self._seen[name]
            known = dict.fromkeys((*sorted(seen), *_KNOWN.get(name, ())))
            for value in sorted(wanted.difference(known)):
                mend = f"; {offer(value, known)}" if known else ""
                option = _OPTIONS.get(name, name)
                told = f'no record has --{option} "{value}"{mend}'
                err.print(printable(told), soft_wrap=True)
