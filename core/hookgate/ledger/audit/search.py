"""Finding events in a ledger, by any of their names, with every attempt at them."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from hookgate.ledger.members import PLAIN, usual
from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.sieve import NAMED, Sieve
from hookgate.networks.range_set import RangeSet

from .fate import Event, Story
from .gap_lines import judge_gap
from .identity import FOREIGN, NO_RANGES, digest_meant
from .intervals import Intervals
from .searcher import Searcher

# Called with nothing, or with a `Sieve` by which lines are left out.
Read = Callable[..., Iterable[Line]]

_TOLD = f'"{PLAIN}++"'
# What tells its body, and what foreign senders sent, matters if it holds what is asked for.
_UNNEEDED = "|".join(
    (
        usual("delivery", sha256=_TOLD),
        usual("forward", sha256=_TOLD),
        usual("released", sha256=_TOLD),
        usual("delivery", reason=f'"(?:{"|".join(sorted(FOREIGN))})"', sha256="null"),
    )
)


class Found(NamedTuple):
    """A story for each name that was asked for, and how many attempts belong to no event.

    Those `unread` are from inside the ranges, and each may have been at any of the events.
    """

    stories: list[Story]
    unread: int


def find(
    read: Read,
    names: Iterable[str],
    allowed: RangeSet = NO_RANGES,
    *,
    records: bool = False,
    now: float | None = None,
    by_bytes: bool = False,
    on_problem: Callable[[Line], None] = lambda _: None,
) -> Found:
    """Find the events of each name: its record's, its SHA-256 or `webhook-id`, a request_id.

    `allowed` are the ranges that count as inside. `read` is called once, and again where an event
    was found late: by what only some attempts have, a request_id or a contract's `names` of then,
    or after lines that told its body and not its name. Memory grows with what is asked for, not
    with the ledger. `records` keeps each attempt's own.

    With `by_bytes` `read` is given a `Sieve`, and again to look for what was learned of the
    events. `on_problem` is told once each line that is no record, as far as that can matter to an
    answer, and each `gap` line whose lines are in no file. Fates are those of `now`, in seconds
    since 1970; else the clock's.
    """
    meant = {name: digest_meant(name) for name in names}
    search = Searcher([*meant, *meant.values()], allowed, records, on_problem)
    _read(search, read, by_bytes=by_bytes)
    for line in _still_gone(search.gaps, read, by_bytes=by_bytes):
        on_problem(line)
    now = time.time() if now is None else now
    for event in search.events.values():
        event.settle(now)
    exact, asked = search.exact, search.asked
    stories = [
        Story(name, _in_order(exact.get(name, asked[name]) or exact.get(digest, asked[digest])))
        for name, digest in meant.items()
    ]
    return Found(stories, search.unread.count)


def find_bodies(
    read: Read, digests: Iterable[str], open_: Iterable[str], now: float, *, by_bytes: bool
) -> list[Event]:
    """Find the events of these SHA-256s, in their order, as `find` does.

    `open_` are the request_ids of what was forwarded last under them, and has no delivery.
    """
    asked = list(digests)
    search = Searcher(asked, NO_RANGES, records=False, on_problem=lambda _: None)
    _read(search, read, by_bytes=by_bytes, open_=open_, named=("sha256",))
    found = [search.events[digest] for digest in asked if digest in search.events]
    for event in found:
        event.settle(now)
    return [event for event in found if event.sha256 is not None and event.attempts]


def _read(
    search: Searcher,
    read: Read,
    *,
    by_bytes: bool,
    open_: Iterable[str] = (),
    named: tuple[str, ...] = NAMED,
) -> None:
    known = set(search.asked)
    sieve = Sieve(known, _UNNEEDED, named=named) if by_bytes else None
    known.update(open_)
    search.read(_lines(read, sieve))
    while sieve is not None and (learned := search.learned - known):
        known |= learned
        if _is_any_unseen(learned, sieve, read):
            sieve, search.found_late = Sieve(known, _UNNEEDED), False
            search.read(_lines(read, sieve), again=True)
    if search.found_late:
        search.read(_lines(read, sieve), again=True)


def _lines(read: Read, sieve: Sieve | None) -> Iterable[Line]:
    return read() if sieve is None else read(sieve)


def _still_gone(gaps: list[Line], read: Read, *, by_bytes: bool) -> Iterator[Line]:
    """Yield the `gap` lines of which lines are in no file, as what is no record."""
    boots = {str((line.record or {}).get("boot")): Intervals() for line in gaps}
    for line in _lines(read, Sieve(boots, named=("boot",)) if by_bytes else None) if gaps else ():
        record = line.record or {}
        here, n = boots.get(str(record.get("boot"))), record.get("n")
        if here is not None and type(n) is int:
            here.cover(n, n)
    for line in gaps:
        record = line.record or {}
        is_gone, text = judge_gap(record, boots[str(record.get("boot"))])
        if is_gone:
            yield line._replace(record=None, problem=text)


def _is_any_unseen(texts: set[str], sieve: Sieve, read: Read) -> bool:
    """Whether a line with one of the texts was left out by the sieve, as it has another name."""
    probe = Sieve(texts)
    raws = (line.raw for line in read(probe))
    return any(not probe.leaves_out(raw) and sieve.leaves_out(raw) for raw in raws)


def _in_order(events: dict[str, Event]) -> list[Event]:
    # One without an attempt was announced under another SHA-256 than it has.
    seen = [event for event in events.values() if event.attempts]
    return sorted(seen, key=lambda event: event.attempts[0].moment) if len(seen) > 1 else seen
