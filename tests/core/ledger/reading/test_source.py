"""The bytes that were written, whatever was done to the file that holds them."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.chain import verify
from hookgate.ledger.reading.decoding import UnreadableError
from hookgate.ledger.reading.line import EMPTY, SURVIVED
from hookgate.ledger.reading.reader import is_damage, read_file
from hookgate.ledger.reading.source import probe
from hookgate.ledger.state import find_states
from support.lines import start, write
from support.rotated import COMPRESSED, WRAPPED, Change, write_boot
from support.tamper import SEAL, crash


@pytest.fixture(params=[b"", SEAL], ids=["plain", "sealed"])
def key(request: pytest.FixtureRequest) -> bytes:
    key: bytes = request.param
    return key


@pytest.mark.parametrize("compress", [*COMPRESSED.values(), bytes], ids=[*COMPRESSED, "plain"])
@pytest.mark.parametrize("wrap", [*WRAPPED.values(), bytes], ids=[*WRAPPED, "plain"])
def test_a_file_is_read_as_it_was_written(
    path: Path, key: bytes, compress: Change, wrap: Change
) -> None:
    """The chain holds, and the ledger balances, compressed and wrapped in any way, whatever it is
    called; each line is told of by its number in the file as it stands.
    """
    write_boot(path, key, "b0")
    written = path.read_bytes()
    path.write_bytes(compress(wrap(written)))
    lines = list(read_file(path))
    assert [line.raw + b"\n" for line in lines] == written.splitlines(keepends=True)
    assert verify(lines, [key] if key else [], find_states(path)).findings == []
    assert balance(lines).balances
    shown = wrap(written).splitlines()
    # journald gives some lines as the numbers of their bytes.
    begins = re.compile(rb"event|\[123, ")
    assert all(begins.search(shown[line.number - 1]) for line in lines)


@pytest.mark.parametrize("compress", COMPRESSED.values(), ids=COMPRESSED)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_file_that_was_cut_off_says_so(path: Path, compress: Change, kept: float) -> None:
    """And nothing balances or holds by it."""
    write_boot(path, b"", "b0")
    data = compress(path.read_bytes())
    path.write_bytes(data[: int(len(data) * kept)])
    lines = list(read_file(path))
    assert "file is cut off or damaged here" in lines[-1].problem
    assert is_damage(lines[-1].problem)
    assert not balance(lines).balances
    assert not verify(lines).holds


@pytest.mark.parametrize("compress", COMPRESSED.values(), ids=COMPRESSED)
def test_files_that_were_appended_to_each_other_are_read_to_their_end(
    path: Path, compress: Change
) -> None:
    """As `cat a.xz b.xz` does; but for .lzma, which has no such thing."""
    if compress is COMPRESSED["lzma"]:
        return
    path.write_bytes(compress(b'{"event":"start"}\n') + compress(b'{"event":"stop"}\n'))
    assert [line.record for line in read_file(path)] == [{"event": "start"}, {"event": "stop"}]


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_a_wrapped_line_that_is_no_record_is_damage(path: Path, wrap: Change) -> None:
    write_boot(path, b"", "b0")
    path.write_bytes(wrap(path.read_bytes().replace(b'"seq":3', b'"seq', 1)))
    problems = [line.problem for line in read_file(path) if line.problem]
    assert problems == ["no record"]


def test_a_torn_line_that_the_next_start_names_is_no_damage(path: Path) -> None:
    """Another one is."""
    crash(path, b"", "b0", torn=20)
    write_boot(path, b"", "b1")
    torn = [line for line in read_file(path) if line.problem]
    assert [line.problem for line in torn] == [SURVIVED]
    assert balance(read_file(path)).balances
    path.write_bytes(path.read_bytes().replace(torn[0].raw, torn[0].raw[:-1]))
    assert [line.problem for line in read_file(path) if line.problem] == ["no record"]
    assert not balance(read_file(path)).balances


def test_what_a_reader_should_know_is_said(path: Path) -> None:
    write_boot(path, b"", "b0")
    path.write_bytes(COMPRESSED["xz"](WRAPPED["CRLF"](path.read_bytes())))
    source = probe(path)
    assert [text.partition(",")[0] for text in source.remarks] == [
        "compressed with xz",
        "a byte order mark (BOM)",
        "CRLF line ends",
    ]


def test_empty_lines_are_no_damage(path: Path) -> None:
    write(path, start())
    path.write_bytes(b"\n" + path.read_bytes() + b" \r\n")
    assert [line.problem for line in read_file(path)] == [EMPTY, "", EMPTY]


def test_lines_are_bytes_until_somebody_asks(path: Path) -> None:
    """Whoever looks for a text reads no JSON: a source gives numbered lines as they stand."""
    path.write_bytes(b"one\ntwo\nlast")
    with probe(path).open() as stream:
        lines = list(stream.lines())
    assert lines == [(1, b"one\n"), (2, b"two\n"), (3, b"last")]
    assert all(after[0] == before[0] + 1 for before, after in pairwise(lines))


def test_a_file_that_goes_away_meanwhile_is_damage(path: Path) -> None:
    """As one does that is rotated out while it is to be read."""
    source = probe(write(path, start()))
    path.unlink()
    [line] = read_file(source)
    assert line.problem == "cannot be read: No such file or directory"
    assert is_damage(line.problem)


def test_zstd_without_what_reads_it_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two ways that help."""
    path.write_bytes(COMPRESSED["zst"](b'{"event":"start"}\n'))
    monkeypatch.setattr("hookgate.ledger.reading.decoding.find_spec", lambda name: None)
    with pytest.raises(UnreadableError, match="zstd") as refused:
        probe(path)
    assert "hookgate[audit]" in str(refused.value.strerror)
    assert "zstd -dc FILE" in str(refused.value.strerror)
