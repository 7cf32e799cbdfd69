"""By their bytes the same events are found as line by line, whatever became of the files."""

import bz2
import gzip
import json
import lzma
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.fate import Event
from hookgate.ledger.audit.search import find
from hookgate.ledger.reading import ahead, pieces, sieve
from hookgate.ledger.reading.copies import Copies
from hookgate.ledger.reading.decoding import UnreadableError
from hookgate.ledger.reading.files import sort
from hookgate.ledger.reading.reader import Line, read
from hookgate.ledger.reading.sieve import Sieve
from hookgate.ledger.reading.source import Source, probe
from support.examples import many
from support.lines import refusals, start
from support.rotated import WRAPPED, Change
from support.trials import KEPT_REQUESTS, NOW, REQUESTS, START, Request, as_written, placed

NAMES = ["r-1", "r-2", "m-1", "own-1", "a" * 64, "e" * 64, "b0-1", "b0-2", 'it"s']


WRAPS: dict[str, Change] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": lambda data: zstandard.compress(data),
    "gzip, cut off": lambda data: gzip.compress(data)[: -len(data) // 20 - 9],
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "BOM": lambda data: b"\xef\xbb\xbf" + data,
    **WRAPPED,
}
PIECES = [
    b"\n", b"\0", b"\x02", b"\t", b"\r", b'"', b"\\", b"{", b"}", b"}\n", b"\xff", b"Killed\n", b"",
    b'{"event":"', b"\n\n", b'"sha256":null,', b"null", b",",
]  # fmt: skip
# At which part of the file, what takes the place of so many bytes.
DAMAGES = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(PIECES), st.sampled_from([0, 0, 1, 2, 40, 700])),
    max_size=3,
)


def _as_others_write(line: bytes, how: int) -> bytes:
    """The same record, as a tool would write it that is no gate."""
    if how == 1:
        return json.dumps(json.loads(line)).encode() + b"\n"
    if how == 2:
        return line.replace(b"r-1", b"\\u0072-1").replace(b"a" * 64, b"\\u0061" * 64)
    if how == 3:
        return line.replace(b'"method":null', b'"method":"\\u00fc"')
    return line.replace(b'"status":null', b'"status":"no number"') if how == 4 else line


_TOLD = [name for name in Event.__slots__ if name not in ("_parsed", "_now", "retries")]


def _told(found: Any) -> list[Any]:
    stories = [
        (
            story.asked,
            story.fate,
            [
                [getattr(event, name) for name in (*_TOLD, "fate", "until", "tries_left", "tries")]
                for event in story.events
            ],
        )
        for story in found.stories
    ]
    return [stories, found.unread]


def _both(paths: list[Path], names: list[str]) -> tuple[list[Any], list[Any]]:
    answers = []
    for by_bytes in (False, True):
        sources = sort(probe(path) for path in paths)
        copies = Copies(sources)
        told: list[Line] = []

        def again(
            by: Sieve | None = None, sources: list[Source] = sources, copies: Copies = copies
        ) -> Iterator[Line]:
            return read(sources, None, copies, by)

        found = find(again, names, by_bytes=by_bytes, now=START + NOW, on_problem=told.append)
        problems = [(line.place, line.problem) for line in told]
        answers.append([_told(found), problems, sorted(copies.remarks)])
    return answers[0], answers[1]


@st.composite
def ledgers(draw: st.DrawFn) -> list[bytes]:
    """One or two files, of which the second may repeat lines of the first."""
    requests: list[Request] = draw(REQUESTS | KEPT_REQUESTS)
    records = [start(), *placed(requests), refusals(90, 99, 3, reason="head_timeout")]
    written = [
        as_written(record, n) if record["event"] in ("delivery", "forward", "released")
        else json.dumps(record, separators=(",", ":")).encode() + b"\n"
        for n, record in enumerate(records, 1)
    ]  # fmt: skip
    others = draw(st.lists(st.integers(0, 4), min_size=len(written), max_size=len(written)))
    if draw(st.booleans()):
        written = [_as_others_write(line, how) for line, how in zip(written, others, strict=True)]
    cut = draw(st.integers(0, len(written)))
    back = draw(st.sampled_from([0, 0, 1, 4]))
    files = [b"".join(written[:cut]), b"".join(written[max(0, cut - back) :])]
    made = []
    for data in files:
        for part, piece, size in draw(DAMAGES):
            at = int(part * len(data))
            data = data[:at] + piece + data[at + size :]
        wrap = draw(st.sampled_from(list(WRAPS)))
        made.append(WRAPS[wrap](data) if data.isascii() or wrap not in WRAPPED else data)
    return made


def _check(files: list[bytes], names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"audit.jsonl.{number}") for number in (2, 1)]
        for path, data in zip(paths, files, strict=True):
            path.write_bytes(data)
            try:
                probe(path)
            except UnreadableError:
                path.write_bytes(b"")
        one_by_one, by_bytes = _both(paths, names)
        assert by_bytes == one_by_one


@settings(max_examples=many(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ledgers(), st.lists(st.sampled_from(NAMES), min_size=1, max_size=3))
def test_one_process(files: list[bytes], names: list[str]) -> None:
    _check(files, names)


@pytest.fixture
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sieve, "MOST_TEXTS", 0)


@pytest.mark.usefixtures("_few_are_many")
@settings(
    max_examples=many(100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(ledgers(), st.lists(st.sampled_from(NAMES), min_size=1, max_size=3))
def test_many_names(files: list[bytes], names: list[str]) -> None:
    """More of them are looked for in another way."""
    _check(files, names)


@pytest.fixture
def _cut_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of some lines are read as those of gigabytes are."""
    monkeypatch.setattr(ahead, "_LARGE", 0)
    monkeypatch.setattr(pieces, "STRETCH", 1500)
    monkeypatch.setattr(pieces, "PIECE", 700)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


@pytest.mark.usefixtures("_cut_small")
@settings(
    max_examples=many(15, fewest=8),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(ledgers(), st.lists(st.sampled_from(NAMES), min_size=1, max_size=3))
def test_processes(files: list[bytes], names: list[str]) -> None:
    _check(files, names)
