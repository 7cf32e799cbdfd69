"""DuckDB sums up what plain Python sums up."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit import duckdb_stats
from hookgate.ledger.audit.query import Query
from hookgate.ledger.audit.stats import SUMMED, Summary, summarise
from hookgate.ledger.reading.reader import read, timestamp
from support.examples import many

pytest.importorskip("duckdb")


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(values)


TIMES = some(
    "2025-09-03T08:00:05.123456Z", "2025-09-03T08:00:59.999999Z", "2025-09-03T09:30:00+02:00",
    "2025-10-26T02:30:00Z", "2028-02-29T23:59:59.1Z",
)  # fmt: skip
WRONG = st.sampled_from(
    [5, -1, 1.5, 2**64, True, False, "", "5", "true", [], {}, [[]], ["a", 1], [None], {"a": 1}]
) | st.sampled_from(
    [
        "2025-09-03T08:00:05.²²²²²²Z", "9999-12-31T23:59:59.999999Z", "2025-02-30T08:00:05Z",
        "1969-12-31T23:59:59Z", "2025-09-03 08:00:05Z", "2025-09-03T08:00:60Z", "infinity", "epoch",
        "2025-09-03T08:00:05+15:00", "2025-09-03T08:00:05",
    ]
)  # fmt: skip
TEXTS = some("a", "b", 'quote"', "\u2028\x1b[31m", "é", "nul\0", "\ud800", "x" * 300, "")
RECORDS = st.fixed_dictionaries(
    {"event": st.sampled_from(["delivery", "delivery", "refusals", "forward", "released", "stop"])},
    optional={
        "ts": TIMES,
        "front": some("sidecar", "nginx", "replay"),
        "outcome": some("delivered", "refused"),
        "reason": TEXTS,
        "channel": some("RCS", "other"),
        "event_type": some("Read", "Typing"),
        "route": TEXTS,
        "client": some("192.0.2.1", "2001:db8::1"),
        "status": some(200, 204, 502),
        "upstream_status": some(200, 500),
        "upstream_error": some("refused", "reset"),
        "duration_ms": some(0, 0.0001, 0.001, 1.0, 12.345, 12.346, 1e9),
        "upstream_ms": some(0.5, 7),
        "request_id": some("r1", "r2", "r3"),
        "reference": TEXTS,
        "observed": some([], ["path_not_routed"], ["path_not_routed", "too_deep"]),
        "unknown": some(0, 2),
        "unknown_in": some([], ["/"], ["/", "/event"]),
        "unusual": some([], ["/reference"], ["/reference", "/groupings/1"]),
        "near": some([], ["watch"], ["fields", "length", "again"], ["new"]),
        "count": some(0, 3, 40),
        "kept": some("0" * 64, "1" * 64, ""),
        "not_kept": some("full", "busy"),
        "custody": some(True, False),
        "cause": some("flood", "replayed", "purged"),
        "future": some({"nested": [1, {"event": "x"}]}),
    },
)
GARBAGE = st.sampled_from(
    [b'{"event":"deli', b"\0\0\0", b"\xc3\xff", b"[1]", b"null", b'{"a":1}', b'{"event":5}', b'"']
)
ODD = st.builds(lambda record, name, value: {**record, name: value},
                RECORDS, st.sampled_from(SUMMED), WRONG)  # fmt: skip
LINES = st.lists(
    (RECORDS | RECORDS | ODD).map(lambda record: json.dumps(record).encode()) | GARBAGE, max_size=40
)


def state(summary: Summary) -> dict[str, Any]:
    """Everything in a summary, comparable."""
    return {name: getattr(part, "__dict__", part) for name, part in vars(summary).items()}


@given(LINES, LINES, st.booleans())
@settings(
    max_examples=many(25, fewest=10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_summaries_are_equal(
    tmp_path: Path, first: list[bytes], second: list[bytes], torn: bool
) -> None:
    """For any records, damaged lines, surrogates and a torn end, in a plain and a gzipped file."""
    plain, packed = tmp_path / "it's.jsonl", tmp_path / "b.jsonl.gz"
    plain.write_bytes(b"\n".join(first) + (b"" if torn or not first else b"\n"))
    packed.write_bytes(gzip.compress(b"".join(line + b"\n" for line in second)))
    files = [plain, packed]
    found, expected = duckdb_stats.summarise(files), summarise(read(files), map(str, files))
    assert state(found) == state(expected)


@given(LINES)
@settings(
    max_examples=many(15, fewest=8),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_summaries_of_a_time_are_equal(tmp_path: Path, lines: list[bytes]) -> None:
    """`since` is inclusive and `until` exclusive."""
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    since = timestamp({"ts": "2025-09-03T08:00:05.123456Z"})
    until = timestamp({"ts": "2025-09-03T08:00:59.999999Z"})
    query = Query(since, until)
    found = duckdb_stats.summarise([file], since, until)
    assert state(found) == state(summarise(read([file]), [str(file)], query))


def test_a_line_that_only_python_reads_counts_where_its_time_does(tmp_path: Path) -> None:
    """A lone surrogate, within the time and outside of it, with damage between, which counts."""
    file = tmp_path / "a.jsonl"
    inside, outside = "2025-09-03T08:00:05.123456Z", "2025-09-04T08:00:05.123456Z"
    lines = [f'{{"event":"delivery","ts":"{ts}","reason":"\\ud800"}}' for ts in (outside, inside)]
    file.write_text("\n".join(["garbage", '{"event":5}', *lines]) + "\n")
    moment = timestamp({"ts": inside})
    found = duckdb_stats.summarise([file], moment, moment + 1)
    assert (found.lines, found.problems, found.deliveries) == (3, 2, 1)


def test_it_serves_only_large_files_whose_names_it_takes_literally(tmp_path: Path) -> None:
    """Small ledgers start sooner without it, and a name is no pattern."""
    small, large = tmp_path / "small.jsonl", tmp_path / "large.jsonl"
    star, packed = tmp_path / "l*.jsonl", tmp_path / "packed.jsonl.gz"
    for file, size in ((small, 1), (large, 17 << 20), (star, 17 << 20), (packed, 2 << 20)):
        with file.open("wb") as stream:
            stream.truncate(size)
    assert [duckdb_stats.is_worthwhile([f]) for f in (small, large, star, packed)] == [
        False,
        True,
        False,
        True,
    ]


def test_a_damaged_gzip_file_is_left_to_python(tmp_path: Path) -> None:
    """What DuckDB cannot read raises, rather than to count half of it."""
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"event":"delivery"}\n' * 100_000)[:-100])
    with pytest.raises(duckdb_stats.DuckDBError):
        duckdb_stats.summarise([file])


def delivered(number: int, ts: str = "2025-09-03T08:00:05.123456Z") -> dict[str, Any]:
    return {"event": "delivery", "ts": ts, "request_id": f"r{number}", "duration_ms": 1.0}


@pytest.mark.parametrize(
    "time", [(None, None), (1_756_886_405.0, 1_756_886_406.0)], ids=["all", "a time"]
)
@pytest.mark.parametrize("first", [0, 3, 5])
def test_lines_of_another_file_are_left_to_python(
    tmp_path: Path, first: int, time: tuple[float, float] | tuple[None, None]
) -> None:
    """Where the first record of a file is in another, and nowhere else, however many share its
    time; also where that time is not asked for.
    """
    records = [delivered(n, f"2025-09-03T08:00:0{5 - (n == first)}.5Z") for n in range(7)]
    before = records[:first] or [delivered(9)]
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"]
    heads = {
        file: json.dumps(record).encode()
        for file, record in zip(files, (before[0], records[first]), strict=True)
    }

    def write(*parts: list[dict[str, Any]]) -> None:
        for file, part in zip(files, parts, strict=True):
            data = b"".join(json.dumps(record).encode() + b"\n" for record in part)
            file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)

    write(before, records[first:])
    since, until = time
    query = Query(since, until)
    found = duckdb_stats.summarise(files, since, until, heads=heads)
    assert state(found) == state(summarise(read(files), map(str, files), query))
    write([*before, records[first]], records[first:])
    with pytest.raises(duckdb_stats.DuckDBError, match="holds lines of"):
        duckdb_stats.summarise(files, since, until, heads=heads)
