"""What the chain proves: each line's `prev` is the digest of the one before it."""

import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.chain import Kind, verify
from hookgate.ledger.findings import MOST
from hookgate.ledger.reader import read
from support.ledger import assert_chained
from support.lines import nginx
from support.tamper import SEAL, Lines, at, edit, made_up, rechain, rewrite, told, write_boot


@pytest.fixture(params=[b"", SEAL], ids=["plain", "sealed"])
def key(request: pytest.FixtureRequest) -> bytes:
    """The seal key, b"" for none."""
    given: bytes = request.param
    return given


@pytest.fixture
def path(tmp_path: Path, key: bytes) -> Path:
    """A ledger of two boots with seven lines each."""
    path = tmp_path / "audit.jsonl"
    for boot in ("b0", "b1"):
        write_boot(path, key, boot)
    return path


def test_an_untouched_ledger_is_chained(path: Path, key: bytes) -> None:
    """Both boots begin with an empty `prev` and hold to their end."""
    assert_chained(path, key)
    verification = verify(read([path]), key)
    assert verification.holds
    assert verification.findings == []
    assert (verification.lines, verification.boots) == (14, 2)
    assert verification.sealed == bool(key)


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        pytest.param(at(3, edit), [(Kind.BROKEN, 4)], id="edited"),
        pytest.param(
            at(3, lambda line: line.replace(b",", b", ", 1)), [(Kind.BROKEN, 4)], id="white space"
        ),
        pytest.param(lambda rows: [*rows[:3], *rows[4:]], [(Kind.BROKEN, 3)], id="deleted"),
        pytest.param(lambda rows: rows[1:], [(Kind.NO_START, 1)], id="first deleted"),
        pytest.param(lambda rows: [*rows[:7], *rows[8:]], [(Kind.CUT, 8)], id="a start deleted"),
        pytest.param(lambda rows: rows[3:], [(Kind.NO_START, 1)], id="first three deleted"),
        pytest.param(
            lambda rows: [*rows[:3], rows[4], rows[3], *rows[5:]], [(Kind.MOVED, 4)], id="swapped"
        ),
        pytest.param(
            lambda rows: [*rows[:2], *rows[3:6], rows[2], *rows[6:]],
            [(Kind.MOVED, 3)],
            id="moved away",
        ),
        pytest.param(
            lambda rows: [*rows[:3], rows[2], *rows[3:]],
            [(Kind.DUPLICATE, 4)],
            id="copied below itself",
        ),
        pytest.param(
            lambda rows: [*rows[:5], rows[2], *rows[5:]],
            [(Kind.DUPLICATE, 6)],
            id="copied further down",
        ),
        pytest.param(lambda rows: [rows[0], *rows], [(Kind.DUPLICATE, 2)], id="start copied"),
        pytest.param(
            lambda rows: [*rows, *rows],
            [(Kind.DUPLICATE, number) for number in range(15, 29)],
            id="the whole file copied",
        ),
        pytest.param(
            lambda rows: [*rows[:3], made_up("00"), *rows[3:]], [(Kind.INSERTED, 4)], id="inserted"
        ),
        pytest.param(
            lambda rows: [*rows[:3], made_up(sha256(rows[2]).hexdigest()), *rows[3:]],
            [(Kind.INSERTED, 4)],
            id="inserted, with a digest of the line before",
        ),
        pytest.param(
            lambda rows: [*rows[:3], b'{"event":"delivery","front":"sidecar"}', *rows[3:]],
            [(Kind.FOREIGN, 4)],
            id="inserted without a chain",
        ),
        pytest.param(
            lambda rows: [*rows[:3], json.dumps(nginx()).encode(), *rows[3:]],
            [(Kind.FOREIGN, 4)],
            id="inserted as nginx's",
        ),
        pytest.param(at(3, lambda line: line[:-9]), [(Kind.GARBLED, 4)], id="garbled"),
        pytest.param(
            lambda rows: [*rows[:3], b"", *rows[3:]], [(Kind.GARBLED, 4)], id="an empty line"
        ),
        pytest.param(
            lambda rows: [*rows[:5], *rows[7:]],
            [(Kind.CUT, 5), (Kind.NO_STOP, 5)],
            id="an end cut off",
        ),
        pytest.param(
            at(6, lambda line: line.replace(b'"received":0', b'"received":9')),
            [(Kind.CUT, 7)],
            id="a last line edited",
        ),
        pytest.param(lambda rows: rows[:-2], [(Kind.NO_STOP, 12)], id="the file's end cut off"),
        pytest.param(lambda rows: rows[7:], [(Kind.CUT, 1)], id="the first boot deleted"),
        pytest.param(
            lambda rows: [line.replace(b'"b0"', b'"b1"') for line in rows],
            [(Kind.SEALED, 4)],
            id="boots renamed",
        ),
    ],
)
def test_what_was_done_to_a_ledger_is_named(
    tamper: Callable[[Lines], Lines], expected: list[tuple[str, int]], path: Path, key: bytes
) -> None:
    """What is said first is about the first bad line; with a key and without."""
    rewrite(path, tamper)
    verification = verify(read([path]), key)
    assert told(verification) == expected
    assert verification.holds == (expected[0][0] in (Kind.NO_START, Kind.NO_STOP))


def test_without_a_key_a_chain_made_anew_holds(tmp_path: Path) -> None:
    """Who can write the file can do that: only a key prevents it."""
    path = tmp_path / "audit.jsonl"
    write_boot(path, b"", "b0")
    rewrite(path, lambda lines: rechain(at(3, edit)(lines)))
    assert verify(read([path])).holds


@pytest.mark.parametrize("key", [SEAL], indirect=True)
def test_without_the_key_the_chain_cannot_be_made_anew(path: Path) -> None:
    """Who edits a line and recomputes all that follow still lacks the key."""
    rewrite(path, lambda lines: rechain(at(3, edit)(lines)))
    assert_chained(path)
    verification = verify(read([path]), SEAL)
    assert not verification.holds
    assert told(verification) == [(Kind.UNSEALED, 2), (Kind.UNSEALED, 9)]


@pytest.mark.parametrize("key", [SEAL], indirect=True)
def test_a_chain_made_anew_from_a_line_on_is_seen_there(path: Path) -> None:
    """The lines before it keep their seal."""

    def forge(lines: Lines) -> Lines:
        forged = rechain(lines)
        for index in (3, 4, 5, 6):
            record = json.loads(forged[index])
            record["prev"] = sha256(lines[2] if index == 3 else forged[index - 1]).hexdigest()
            forged[index] = json.dumps(record, separators=(",", ":")).encode()
        return [*lines[:3], *forged[3:7]]

    rewrite(path, forge)
    verification = verify(read([path]), SEAL)
    assert told(verification) == [(Kind.UNSEALED, 4)]
    assert "from here on" in verification.findings[0].text


@pytest.mark.parametrize("key", [SEAL], indirect=True)
@pytest.mark.parametrize("given", [b"", b"another key of enough bytes"], ids=["none", "another"])
def test_a_chain_of_another_key_is_said_to_be_one(path: Path, given: bytes) -> None:
    """Once for each boot, not once for each line."""
    verification = verify(read([path]), given)
    assert not verification.holds
    assert [kind for kind, _ in told(verification)] == [Kind.SEALED, Kind.SEALED]


@pytest.mark.parametrize("key", [SEAL], indirect=True)
def test_a_sealed_prev_is_the_hmac_of_the_line_as_it_stands(path: Path) -> None:
    """The digest covers the bytes of the line, without its end."""
    first, second = path.read_bytes().splitlines()[:2]
    assert json.loads(second)["prev"] == hmac.new(SEAL, first, sha256).hexdigest()


@pytest.mark.parametrize("said", [None, 7, ["x"], {}])
def test_a_start_that_says_nothing_readable_is_survived(tmp_path: Path, said: object) -> None:
    """Nobody promised that the file is a ledger."""
    path = tmp_path / "audit.jsonl"
    record = {"event": "start", "boot": "b0", "prev": "", "previous_line": said}
    path.write_text(json.dumps(record) + "\n")
    found = verify(read([path]))
    assert (found.boots, found.holds) == ((1, True) if said is None else (0, False))


def test_a_second_start_within_a_boot_is_no_link(path: Path, key: bytes) -> None:
    """Made up, as it follows from nothing."""
    made = json.dumps({"event": "start", "boot": "b0", "prev": "", "previous_line": ""}).encode()
    rewrite(path, lambda rows: [*rows[:3], made, *rows[3:]])
    assert told(verify(read([path]), key)) == [(Kind.INSERTED, 4)]


def test_findings_beyond_a_bound_are_counted(tmp_path: Path) -> None:
    """A ruined ledger of any size is reported in bounded memory."""
    path = tmp_path / "audit.jsonl"
    many = MOST + 5
    lines = [json.dumps({"event": "?", "boot": f"b{n}", "prev": "00"}) for n in range(many)]
    path.write_text("\n".join(lines) + "\n")
    verification = verify(read([path]))
    assert len(verification.findings) == MOST
    assert not verification.holds
    assert verification.more


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_change_within_a_boot_goes_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Any line edited, deleted, moved or copied, but for the last and the first."""
    path = tmp_path_factory.mktemp("ledger") / "audit.jsonl"
    write_boot(path, SEAL, "b0")
    lines = path.read_bytes().splitlines()
    index = data.draw(st.integers(1, len(lines) - 2))
    to = data.draw(st.integers(1, len(lines) - 2).filter(lambda other: other != index))
    line = lines[index]
    match data.draw(st.sampled_from(["edit", "delete", "move", "copy"])):
        case "edit":
            place = data.draw(st.integers(0, len(line) - 1))
            lines[index] = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        case "delete":
            del lines[index]
        case "move":
            lines.insert(to, lines.pop(index))
        case _:
            lines.insert(to, line)
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert not verify(read([path]), SEAL).holds
