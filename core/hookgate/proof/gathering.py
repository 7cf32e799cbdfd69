"""The lines that a receipt of an event holds, from a ledger."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hookgate.ledger.audit.fate import Event
from hookgate.ledger.audit.search import Read
from hookgate.ledger.reading.reader import Line, timestamp
from hookgate.ledger.reading.sieve import Sieve

_ABOUT = ("forward", "delivery", "released")


class Gathered(NamedTuple):
    """An event's lines by boot, in the order in which the boots began, each by its number.

    Each boot's `start` is among them where it is there. `unplaced` are lines that have no place in
    a tree, as nginx writes them and version 0.1.0 did.
    """

    boots: dict[str, dict[int, Line]]
    unplaced: list[Line]


def gather(read: Read, event: Event, request_id: str | None, *, by_bytes: bool) -> Gathered:
    """Find the lines of an event, or of one attempt at it where `request_id` is not None.

    `read` and `by_bytes` are as `search.find` takes them.
    """
    found = Gathered({}, [])
    ids = {each.request_id for each in event.attempts} if request_id is None else {request_id}
    texts = {*ids, event.sha256} if request_id is None else ids
    for line in _read(read, texts, by_bytes=by_bytes):
        record = line.record or {}
        digest, is_of_attempt = record.get("sha256"), record.get("request_id") in ids
        is_about = digest == event.sha256 if digest else is_of_attempt
        if record.get("event") in _ABOUT and is_about and (request_id is None or is_of_attempt):
            _add(line, found)
    for line in _read(read, {"start"}, by_bytes=by_bytes):
        record = line.record or {}
        if record.get("event") == "start" and record.get("boot") in found.boots:
            _add(line, found)
    boots = {boot: dict(sorted(lines.items())) for boot, lines in found.boots.items()}
    return Gathered(dict(sorted(boots.items(), key=_began)), found.unplaced)


def _began(boot: tuple[str, dict[int, Line]]) -> float:
    first = next(iter(boot[1].values()))
    return timestamp(first.record or {})


def _read(read: Read, texts: Iterable[str | None], *, by_bytes: bool) -> Iterator[Line]:
    lines = read(Sieve(text for text in texts if text)) if by_bytes else read()
    return map(Line.checked, lines)


def _add(line: Line, found: Gathered) -> None:
    record = line.record or {}
    boot, n = record.get("boot"), record.get("n")
    if type(boot) is str and boot and type(n) is int and n > 0:
        found.boots.setdefault(boot, {}).setdefault(n, line)
    else:
        found.unplaced.append(line)
