"""Reading ledgers: their files, their order, their lines."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.reading import reader
from hookgate.ledger.reading.reader import find_files, in_order, read, read_file, timestamp
from support.examples import many
from support.lines import delivery, nginx, start, write


def problems(path: Path) -> list[str]:
    """What is wrong with each line, "" where nothing is."""
    return [line.problem for line in read_file(path)]


@pytest.mark.parametrize(
    "name",
    [
        "audit.jsonl",
        "audit.jsonl.1",
        "audit.jsonl.12.gz",
        "audit.jsonl-20261122",
        "audit.jsonl-20261122-1700000000.gz",
        "audit-20261122.jsonl",
        "audit.2.jsonl",
        "audit.2.jsonl.3.gz",
    ],
)
def test_rotated_and_workers_files_are_found(tmp_path: Path, name: str) -> None:
    """By the names that logrotate and several workers give them."""
    (tmp_path / name).touch()
    assert find_files(tmp_path / "audit.jsonl") == [tmp_path / name]


@pytest.mark.parametrize(
    "name",
    ["audit.json", "audit-eu.jsonl", "old-audit.jsonl", "audit.jsonl.gz.tmp", "audit_jsonl"],
)
def test_other_files_are_not(tmp_path: Path, name: str) -> None:
    """Another gate's ledger beside it, and what holds no record."""
    (tmp_path / name).touch()
    assert find_files(tmp_path / "audit.jsonl") == []


def test_folders_and_missing_ones_hold_no_ledger(tmp_path: Path) -> None:
    """Nothing is found, and nothing fails."""
    (tmp_path / "audit.jsonl.1").mkdir()
    assert find_files(tmp_path / "audit.jsonl") == []
    assert find_files(tmp_path / "nowhere" / "audit.jsonl") == []


def test_files_are_read_in_the_order_they_were_written(tmp_path: Path) -> None:
    """By their first record, whatever they are called, and each once."""
    hours = {"b": "09", "c": "10", "a": "11"}
    paths = [
        write(tmp_path / name, start(name, ts=f"2026-11-22T{hours[name]}:00:00.000000Z"))
        for name in ("a", "b", "c")
    ]
    ordered = in_order([*paths, paths[0]])
    assert [path.name for path in ordered] == ["b", "c", "a"]
    assert [line.record["boot"] for line in read(ordered) if line.record] == ["b", "c", "a"]


def test_a_compressed_file_is_read_like_any_other(tmp_path: Path) -> None:
    """With its own line numbers."""
    path = tmp_path / "audit.jsonl.2.gz"
    path.write_bytes(gzip.compress(b'{"event":"start"}\n{"event":"stop"}\n'))
    assert [(line.place, line.record) for line in read_file(path)] == [
        (f"{path}:1", {"event": "start"}),
        (f"{path}:2", {"event": "stop"}),
    ]


@pytest.mark.parametrize("cut", [3, 20, 60])
def test_a_damaged_compressed_file_is_reported_where_it_ends(tmp_path: Path, cut: int) -> None:
    """What can be read of it is."""
    path = tmp_path / "audit.jsonl.gz"
    data = gzip.compress(b"".join(json.dumps(delivery(n)).encode() + b"\n" for n in range(99)))
    path.write_bytes(data[: len(data) * cut // 64])
    lines = list(read_file(path))
    assert lines[-1].problem == "the gzip file is cut off or damaged here"
    assert all(line.record for line in lines[:-2])


def test_a_file_that_only_is_called_gz_is_read_as_what_it_is(tmp_path: Path) -> None:
    """Its content tells."""
    assert problems(write(tmp_path / "audit.jsonl.gz", start())) == [""]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b'{"event":"stop"}', [""]),
        (b'{"event":"stop"}\r\n', [""]),
        (b'{"event":"st', ["torn: the file ends in it"]),
        (b'{"event":"st\n{"event":"stop"}\n', ["no record", ""]),
        (b'\n[]\n"x"\n{}\n{"event":1}\n\xff\n\0\0\n', ["empty", *["no record"] * 6]),
        (b'{"event":"\\ud800"}\n', [""]),
        (b"[" * 100_000 + b"\n", ["no record"]),
        (b'"\\u0041' + b"[" * 100_000 + b"\n", ["no record"]),
    ],
)
def test_a_line_that_is_no_record_says_why(
    tmp_path: Path, data: bytes, expected: list[str]
) -> None:
    """And the lines around it are read."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(data)
    assert problems(path) == expected


def test_a_line_longer_than_any_record_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is skipped to its end, and the next one has its own number."""
    monkeypatch.setattr(reader, "LONGEST_LINE", 64)
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"x" * 500 + b'\n{"event":"stop"}\n' + b"y" * 200)
    lines = list(read_file(path))
    assert [(line.number, line.problem) for line in lines] == [
        (1, "longer than any record"),
        (2, ""),
        (3, "longer than any record"),
    ]
    assert all(len(line.raw) <= 64 for line in lines)


@pytest.mark.parametrize("name", ["audit.jsonl", "audit.jsonl.gz"])
def test_progress_adds_up_to_the_size(tmp_path: Path, name: str) -> None:
    """So that a bar ends where it should."""
    path = tmp_path / name
    data = b'{"event":"stop"}\n' * 10_000
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    told: list[int] = []
    assert sum(1 for _ in read([path], told.append)) == 10_000
    assert sum(told) == path.stat().st_size
    assert len(told) > 1


@pytest.mark.parametrize(
    ("ts", "seconds"),
    [
        ("1970-01-01T00:00:01.500000Z", 1.5),
        ("2026-11-22T12:00:00.000001Z", 1795348800.000001),
        (nginx()["ts"], 1795348800.0),
        ("2026-11-22T14:00:00+02:00", 1795348800.0),
        ("2026-11-22T12:00:00", 1795348800.0),
        ("yesterday", 0.0),
        ("2026-11-22T12:00:00.00000xZ", 0.0),
        ("2026-99-22T12:00:00.000000Z", 0.0),
        (None, 0.0),
        (17, 0.0),
    ],
)
def test_times_of_every_front_are_read(ts: Any, seconds: float) -> None:
    """The gate's with microseconds, nginx's with an offset; what is none is 0."""
    assert timestamp({"ts": ts}) == pytest.approx(seconds, abs=1e-7)


@settings(max_examples=many(200), deadline=None)
@given(
    st.text(max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.\d{6}Z", fullmatch=True)
)
def test_no_time_breaks_the_reading(ts: str) -> None:
    """Whatever a line holds there."""
    assert isinstance(timestamp({"ts": ts}), float)


@settings(max_examples=many(200), deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_read_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, rows: list[bytes]
) -> None:
    """A line is a record or has a problem, and none is lost."""
    path = tmp_path_factory.mktemp("ledger") / "audit.jsonl"
    rows = [b'{"event":"stop"}', *(row.replace(b"\n", b"").rstrip(b"\r") for row in rows)]
    path.write_bytes(b"".join(row + b"\n" for row in rows))
    lines = list(read_file(path))
    assert [line.raw for line in lines] == rows
    assert all((line.record is None) == bool(line.problem) for line in lines)
