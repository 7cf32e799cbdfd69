"""Boots in a store are read as files are; what a forger planted there is named and costs little."""

import tracemalloc
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import zstandard
from psycopg.conninfo import make_conninfo

from hookgate.fleet.error import StoreError
from hookgate.fleet.reader import Reader, Scope
from hookgate.fleet.stored import hold, source_of
from hookgate.ledger.reading.reader import Line, is_damage, read
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.reading.sieve import Sieve
from support.fleet import Chain, Fleet, segment

HUGE = 1 << 31


def packed(raw: bytes, **changes: Any) -> dict[str, Any]:
    """What a segment says of these bytes, but for the changes."""
    digest, body = sha256(raw).digest(), zstandard.compress(raw)
    lines = raw.count(b"\n")
    return {"size": len(raw), "digest": digest, "body": body, "lines": lines, **changes}


def _without_size(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=False).compress(raw)


LINES = b'{"event":"delivery","boot":"b1","reference":"planted"}\n' * 4
MANY = (b'{"event":"delivery","boot":"b1","reference":"' + b"x" * 2000 + b'"}\n') * 800
# By name: what a forger with a gate's password puts in the place of four lines.
PLANTED: dict[str, dict[str, Any]] = {
    "no zstd": packed(LINES, body=b"no zstd at all"),
    "a frame that is cut off": packed(LINES, body=zstandard.compress(LINES)[:-3]),
    "a bomb": packed(LINES, body=zstandard.compress(b"\0" * (16 << 20))),
    "a bomb behind them": packed(
        LINES, body=zstandard.compress(LINES) + zstandard.compress(b"\0" * (16 << 20))
    ),
    "a frame without a size": packed(LINES, body=_without_size(LINES)),
    "a frame that lies": packed(LINES, body=zstandard.compress(LINES + b"x")),
    "another digest": packed(LINES, digest=bytes(32)),
    "more lines": packed(LINES, lines=5),
    "fewer lines": packed(LINES, lines=3),
    "no end": packed(LINES[:-1], lines=4),
    "longer than a line may be": packed(MANY, digest=bytes(32)),
    "nothing but ends": packed(b"\n" * 5000, lines=100),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_a_segment_does_not_hold_is_one_line_that_says_so(fleet: Fleet, name: str) -> None:
    """In the place of its first; the lines before and after it are as they were written."""
    chain, store = Chain(Path("-")), fleet.store()
    one, two, three = (segment(chain, 4) for _ in range(3))
    many: int = PLANTED[name]["lines"]
    planted = replace(two, **PLANTED[name])
    after = replace(three, first_n=5 + many)
    assert all(map(store.put, (one, planted, after)))
    reader = Reader(fleet.dsn)
    (part,) = reader.parts(Scope())
    tracemalloc.start()
    lines = [line for line in hold(read([source_of(part, reader)])) if isinstance(line, Line)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 << 20
    places = [1, 2, 3, 4, 5, *range(5 + many, 9 + many)]
    assert [line.number for line in lines] == places
    assert [line.number for line in lines if line.record is None] == [5]
    assert is_damage(lines[4].problem)
    assert "damaged" in lines[4].problem
    assert {line.file for line in lines} == {"amsterdam/b1"}
    assert [line.raw for line in lines[:4]] == one.raw().splitlines()
    sieve = Sieve(["b1-1", "b1-9"], "(?!)")
    sifted = hold(read([source_of(part, reader)], sieve=sieve))
    assert [line.number for line in sifted if isinstance(line, Line)] == places


@pytest.mark.parametrize("name", ["size", "lines"])
def test_what_no_shipper_makes_is_not_fetched(fleet: Fleet, name: str) -> None:
    """It leaves a hole; by a name it is found and told apart."""
    chain, store = Chain(Path("-")), fleet.store()
    claims: dict[str, Any] = {"size": HUGE - 1} if name == "size" else {"lines": 900_000}
    one, two = segment(chain, 4), replace(segment(chain, 4), **claims)
    three = replace(segment(chain, 4), first_n=5 + two.lines)
    assert all(map(store.put, (one, two, three)))
    reader = Reader(fleet.dsn)
    parts = reader.parts(Scope())
    assert [(part.first_n, part.end_n) for part in parts] == [
        (1, 5),
        (5 + two.lines, 9 + two.lines),
    ]
    found = reader.named(Scope(), ["b1-5", "b1-9"])
    assert [(part.first_n, part.is_sane) for part in found] == [(5, False), (5 + two.lines, True)]


def test_lines_of_another_boot_are_no_records(fleet: Fleet) -> None:
    """A gate's password is good for its own boots alone."""
    other, chain, store = Chain(Path("-"), "other"), Chain(Path("-")), fleet.store()
    raw = segment(other, 3).raw()
    assert store.put(replace(segment(chain, 3), **packed(raw)))
    reader = Reader(fleet.dsn)
    (part,) = reader.parts(Scope())
    lines = list(hold(read([source_of(part, reader)])))
    problems = [line.problem for line in lines if isinstance(line, Line)]
    assert problems == ["no record: it says boot other, and its gate sent it as of another"] * 3
    run = Run("amsterdam/b1", 1, 3, 1, Told("other"), lambda: read([source_of(part, reader)]))
    assert [line.problem for line in hold([run]) if isinstance(line, Line)] == problems


class Told:
    """What a scan says of a run."""

    def __init__(self, boot: str) -> None:
        self.boot = boot


def test_of_a_time_only_segments_that_may_be_of_it_are_read(fleet: Fleet) -> None:
    """Segments are passed over whole, and so are days; a gate's clock may be an hour off."""
    chain, store = Chain(Path("-")), fleet.store()
    day = 86_400.0
    for at in range(4):
        made = replace(segment(chain, 3), began=at * day, ended=at * day + 60)
        assert store.put(made)
    reader = Reader(fleet.dsn)

    def first_lines(scope: Scope) -> list[int]:
        return [part.first_n for part in reader.parts(scope)]

    assert first_lines(Scope()) == [1]
    assert first_lines(Scope(since=day)) == [4]
    assert first_lines(Scope(since=day + 3700)) == [7]
    (part,) = reader.parts(Scope(since=day, until=2 * day))
    assert (part.first_n, part.end_n) == (4, 10)
    assert first_lines(Scope(gates=("amsterdam",))) == [1]
    assert first_lines(Scope(gates=("utrecht",))) == []
    fleet.sql("UPDATE hookgate.segment SET day = day")
    assert [p.first_n for p in reader.named(Scope(since=3 * day), ["b1-1", "b1-11"])] == [10]


def test_a_hole_is_told_by_the_parts_around_it(fleet: Fleet) -> None:
    chain, store = Chain(Path("-")), fleet.store()
    for _ in range(4):
        assert store.put(segment(chain, 3))
    fleet.sql("DELETE FROM hookgate.segment WHERE first_n = 4")
    parts = Reader(fleet.dsn).parts(Scope())
    assert [(part.first_n, part.end_n) for part in parts] == [(1, 4), (7, 13)]


def test_what_is_deleted_while_it_is_read_is_damage(fleet: Fleet) -> None:
    chain, store = Chain(Path("-")), fleet.store()
    for _ in range(2):
        assert store.put(segment(chain, 3))
    reader = Reader(fleet.dsn)
    (part,) = reader.parts(Scope())
    fleet.sql("DELETE FROM hookgate.segment WHERE first_n = 4")
    lines = list(read([source_of(part, reader)]))
    assert [line.number for line in lines] == [1, 2, 3, 4]
    words = "cannot be read from here on: it was deleted from the store meanwhile"
    assert lines[-1].problem == words


def test_a_store_that_goes_away_is_damage(fleet: Fleet) -> None:
    """Once it cannot be used it is not tried again, so that nobody waits for each boot."""
    for boot in ("b1", "b2"):
        assert fleet.store().put(segment(Chain(Path("-"), boot), 3))
    with fleet.through_proxy() as (proxy, _):
        reader = Reader(make_conninfo(fleet.dsn, port=proxy.port))
        sources = [source_of(part, reader) for part in reader.parts(Scope())]
        proxy.refuses = True
        proxy.break_off()
        lines = list(read(sources))
    assert [line.place for line in lines] == ["amsterdam/b1:1", "amsterdam/b2:1"]
    assert {line.problem for line in lines} == {
        "cannot be read from here on: the connection broke off"
    }
    with pytest.raises(StoreError, match="broke off"):
        reader.parts(Scope())
