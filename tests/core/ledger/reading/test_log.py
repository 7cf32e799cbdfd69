"""Checkpoints found in logs as they are written, kept and printed by others."""

import gzip
import json
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.ledger.checkpoint import Checkpoint
from hookgate.ledger.reading.decoding import UnreadableError
from hookgate.ledger.reading.log import LogFile, find_checkpoint
from support.effort import at_most

HEAD = "0123456789abcdef" * 4
EVENT = {
    "boot": "b0", "n": 7, "head": HEAD, "synced": True, "path": "/var/{log}/audit.jsonl",
    "dropped": 0, "event": "ledger.checkpoint", "level": "info",
    "timestamp": "2026-11-28T12:04:00Z",
}  # fmt: skip
LINE = json.dumps(EVENT)
FOUND = Checkpoint("b0", 7, HEAD, True, "/var/{log}/audit.jsonl", 0, 1795867440.0)
SIZE = len(LINE.encode()).to_bytes(8, "little")


def wrapped(**members: object) -> bytes:
    return json.dumps(members).encode()


WRAPPED = {
    "as it is": LINE.encode(),
    "compact": json.dumps(EVENT, separators=(",", ":")).encode(),
    "CRLF": LINE.encode() + b"\r",
    "a byte order mark": b"\xef\xbb\xbf" + LINE.encode(),
    "Docker's json-file": wrapped(log=LINE + "\n", stream="stderr", time="2026-11-28T12:04:00Z"),
    "the CRI format": b"2026-11-28T12:04:00.1+01:00 stderr F " + LINE.encode(),
    "journalctl -o short": b"Nov 28 12:04:00 gate hookgate[123]: " + LINE.encode(),
    "journalctl -o json": wrapped(MESSAGE=LINE, _PID="123", __CURSOR="s=1;i=2"),
    "journalctl -o export": b"MESSAGE=" + LINE.encode(),
    "docker compose": b"gate-1  | " + LINE.encode(),
    "a text with braces": b"{app} {gate} " + LINE.encode(),
    "a text behind": LINE.encode() + b" (end)",
    "filebeat": wrapped(message=LINE, agent={"type": "filebeat"}),
    "filebeat, parsed": wrapped(hookgate=EVENT, agent={"type": "filebeat"}),
    "logcli": wrapped(labels={"job": "x"}, line=LINE),
    "Docker in the journal": wrapped(MESSAGE=json.dumps({"log": LINE}), _PID="1"),
}


@pytest.mark.parametrize("line", WRAPPED.values(), ids=WRAPPED)
def test_a_checkpoint_is_found_whatever_stands_around_it(line: bytes) -> None:
    assert find_checkpoint(line) == FOUND


def read(path: Path, data: bytes) -> tuple[list[Checkpoint], LogFile]:
    path.write_bytes(data)
    log = LogFile(path)
    return list(log.read()), log


def test_the_journal_s_export_is_read_with_its_binary_fields(tmp_path: Path) -> None:
    """A field that holds other bytes than text has its size before it; so may the message."""
    export = b"\n".join(
        [
            b"__CURSOR=s=1", b"_PID=1", b"MESSAGE=" + LINE.encode(), b"",
            b"__CURSOR=s=2", b"MESSAGE", (5).to_bytes(8, "little") + b"a\n\0\xff\n", b"_PID=2", b"",
            b"__CURSOR=s=3", b"MESSAGE", SIZE + LINE.encode(), b"_PID=1", b"",
        ]
    )  # fmt: skip
    found, log = read(tmp_path / "log", export)
    assert (found, log.odd, log.damage) == ([FOUND, FOUND], 0, "")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["", "gz", "xz"])
def test_other_lines_are_counted(pack: "type[bytes]", tmp_path: Path) -> None:
    """Empty ones, those that are no text, and a last one without an end; compressed or not."""
    lines = [b"", b"\xff\0", b'{"event": "gate.fault"}', LINE.encode(), b"[" * 999, LINE.encode()]
    found, log = read(tmp_path / "log", pack(b"\n".join(lines)))
    assert (found, log.lines, log.found, log.odd) == ([FOUND] * 2, 6, 2, 0)


@pytest.mark.parametrize(
    "line",
    [
        b"sudo: COMMAND=/bin/grep ledger.checkpoint log",
        b'{"event": "ledger.checkpoint"}',
        b'{"event": "ledger.checkpoint", "boot": "b0", "n": 7, "head": "',
        LINE[:-9].encode(),
        LINE.encode().replace(b'"n": 7', b'"n": ' + b"7" * 5000),
        LINE.encode().replace(b'"n": 7', b'"n": 7e0'),
        b'{"a":' * 20_000 + LINE.encode(),
        b"[" * 60_000 + b"ledger.checkpoint",
        b"{" * 60_000 + b"ledger.checkpoint",
        b" " * (1 << 16) + LINE.encode(),
        b" " * (3 << 20) + LINE.encode(),
        wrapped(a=json.dumps({"a": json.dumps({"a": json.dumps({"a": json.dumps({"a": LINE})})})})),
    ],
    ids=range(12),
)
def test_a_line_that_only_names_one_is_counted_apart(line: bytes, tmp_path: Path) -> None:
    """Torn, hostile, too long or wrapped too often: it says nothing, and the next one is read."""
    found, log = read(tmp_path / "log", line + b"\n" + LINE.encode() + b"\n")
    assert (found, log.lines, log.found) == ([FOUND], 2, 1)
    assert log.odd == (len(line) < 1 << 20)  # of a longer one the beginning is looked at


def test_a_log_that_is_cut_off_says_where(tmp_path: Path) -> None:
    """What came before is read."""
    lines = "".join(f"{LINE}\n" for _ in range(5000))
    found, log = read(tmp_path / "log.gz", gzip.compress(lines.encode())[:-20])
    assert len(found) == log.found == log.lines > 4000
    assert log.damage == f"cannot be read from line {log.lines + 1:,} on: it is cut off or damaged"


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    """With the command that helps, as for a ledger."""
    (tmp_path / "log").write_bytes(LINE.encode("utf-16"))
    with pytest.raises(UnreadableError, match="iconv"):
        LogFile(tmp_path / "log")
    with pytest.raises(FileNotFoundError):
        LogFile(tmp_path / "none")


def test_hostile_lines_cost_little(tmp_path: Path) -> None:
    """Two megabytes of the worst that is known, at most 60 KiB a line."""
    worst = (b'{"a":' * 12_000, b"{" * 60_000, b'{"' * 30_000, b"[" * 60_000)
    with at_most(2):
        for line in worst:
            _, log = read(tmp_path / "log", (line + b"ledger.checkpoint\n") * 8)
            assert log.odd == 8


@given(st.binary(max_size=300), st.binary(max_size=300), st.sampled_from(sorted(WRAPPED)))
def test_nothing_around_a_line_hides_it_or_ends_the_reading(
    tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes, name: str
) -> None:
    """Any bytes in other lines, and what is left of the line itself."""
    path = tmp_path_factory.mktemp("log") / "log"
    line = WRAPPED[name]
    garbled = before + line[len(after) % len(line) :] + after
    path.write_bytes(b"\n".join([b".", garbled, line, after]))
    log = LogFile(path)
    found = list(log.read())
    assert FOUND in found
    assert log.found == len(found)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.sampled_from(["ledger.checkpoint", LINE, HEAD, "b0"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["event", "boot", "n", "head", "log", "MESSAGE"]), inner
            )
        ),
    )
)
def test_any_object_is_a_checkpoint_or_none(said: object) -> None:
    find_checkpoint(json.dumps(said).encode())
