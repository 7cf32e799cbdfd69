"""What the chain proves: each line's `prev` is the digest of the one before it."""

import hmac
import json
from collections.abc import Callable
from hashlib import blake2b, sha256
from pathlib import Path

import pytest

from hookgate.ledger.audit.chain import ChainKind, verify
from hookgate.ledger.audit.findings import MOST
from hookgate.ledger.reading.reader import read
from hookgate.ledger.seal import split_keys
from support.ledger import assert_chained
from support.lines import nginx
from support.tamper import SEAL, Lines, at, edit, made_up, rechain, rewrite, told, write_boot


class Sealed(list[tuple[str, int]]):
    """What is found where there is no key; and in `sealed`, where there is one."""

    def __init__(self, plain: list[tuple[str, int]], sealed: list[tuple[str, int]]) -> None:
        super().__init__(plain)
        self.sealed = sealed


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
    verification = verify(read([path]), split_keys(key))
    assert verification.holds
    assert verification.findings == []
    assert (verification.lines, verification.boots) == (14, 2)
    assert verification.sealed == bool(key)


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        pytest.param(at(3, edit), [(ChainKind.BROKEN, 4)], id="edited"),
        pytest.param(
            at(3, lambda line: line.replace(b",", b", ", 1)),
            [(ChainKind.BROKEN, 4)],
            id="white space",
        ),
        pytest.param(lambda rows: [*rows[:3], *rows[4:]], [(ChainKind.BROKEN, 3)], id="deleted"),
        pytest.param(lambda rows: rows[1:], [(ChainKind.NO_START, 1)], id="first deleted"),
        pytest.param(
            lambda rows: [*rows[:7], *rows[8:]], [(ChainKind.CUT, 8)], id="a start deleted"
        ),
        pytest.param(lambda rows: rows[3:], [(ChainKind.NO_START, 1)], id="first three deleted"),
        pytest.param(
            lambda rows: [*rows[:3], rows[4], rows[3], *rows[5:]],
            [(ChainKind.MOVED, 4)],
            id="swapped",
        ),
        pytest.param(
            lambda rows: [*rows[:2], *rows[3:6], rows[2], *rows[6:]],
            [(ChainKind.MOVED, 3)],
            id="moved away",
        ),
        pytest.param(
            lambda rows: [*rows[:3], rows[2], *rows[3:]],
            [(ChainKind.DUPLICATE, 4)],
            id="copied below itself",
        ),
        pytest.param(
            lambda rows: [*rows[:5], rows[2], *rows[5:]],
            [(ChainKind.DUPLICATE, 6)],
            id="copied further down",
        ),
        pytest.param(lambda rows: [rows[0], *rows], [(ChainKind.DUPLICATE, 2)], id="start copied"),
        pytest.param(
            lambda rows: [*rows, *rows],
            [(ChainKind.DUPLICATE, number) for number in range(15, 29)],
            id="the whole file copied",
        ),
        pytest.param(
            lambda rows: [*rows[:3], made_up("00"), *rows[3:]],
            Sealed([(ChainKind.INSERTED, 4)], [(ChainKind.UNSEALED, 4)]),
            id="inserted",
        ),
        pytest.param(
            lambda rows: [*rows[:3], made_up(sha256(rows[2]).hexdigest()), *rows[3:]],
            Sealed([(ChainKind.INSERTED, 4)], [(ChainKind.UNSEALED, 4)]),
            id="inserted, with a digest of the line before",
        ),
        pytest.param(
            lambda rows: [*rows[:3], b'{"event":"delivery","front":"sidecar"}', *rows[3:]],
            [(ChainKind.FOREIGN, 4)],
            id="inserted without a chain",
        ),
        pytest.param(
            lambda rows: [*rows[:3], json.dumps(nginx()).encode(), *rows[3:]],
            [(ChainKind.FOREIGN, 4)],
            id="inserted as nginx's",
        ),
        pytest.param(at(3, lambda line: line[:-9]), [(ChainKind.GARBLED, 4)], id="garbled"),
        pytest.param(
            lambda rows: [*rows[:3], b"", *rows[3:]], [(ChainKind.GARBLED, 4)], id="an empty line"
        ),
        pytest.param(
            lambda rows: [*rows[:5], *rows[7:]],
            [(ChainKind.CUT, 5), (ChainKind.NO_STOP, 5)],
            id="an end cut off",
        ),
        pytest.param(
            at(6, lambda line: line.replace(b'"received":0', b'"received":9')),
            Sealed(
                [(ChainKind.CUT, 7)],
                [(ChainKind.BROKEN, 7), (ChainKind.CUT, 7), (ChainKind.NO_STOP, 6)],
            ),
            id="a last line edited",
        ),
        pytest.param(
            lambda rows: rows[:-2], [(ChainKind.NO_STOP, 12)], id="the file's end cut off"
        ),
        pytest.param(lambda rows: rows[7:], [(ChainKind.CUT, 1)], id="the first boot deleted"),
        pytest.param(
            lambda rows: [line.replace(b'"b0"', b'"b1"') for line in rows],
            Sealed(
                [(ChainKind.BROKEN, number) for number in range(1, 8)],
                [(ChainKind.BROKEN, 1), (ChainKind.CUT, 7)],
            ),
            id="boots renamed",
        ),
    ],
)
def test_what_was_done_to_a_ledger_is_named(
    tamper: Callable[[Lines], Lines], expected: list[tuple[str, int]], path: Path, key: bytes
) -> None:
    """What is said first is about the first bad line; with a key and without."""
    rewrite(path, tamper)
    verification = verify(read([path]), split_keys(key))
    if key and isinstance(expected, Sealed):
        expected = expected.sealed
    assert told(verification) == expected
    assert verification.holds == (expected[0][0] in (ChainKind.NO_START, ChainKind.NO_STOP))


def test_without_a_key_a_chain_made_anew_holds(tmp_path: Path) -> None:
    """Who can write the file can do that: only a key prevents it."""
    path = tmp_path / "audit.jsonl"
    write_boot(path, b"", "b0")
    rewrite(path, lambda lines: rechain(at(3, edit)(lines)))
    assert verify(read([path])).holds


@pytest.mark.parametrize("key", [b""], indirect=True)
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            b'"n":4',
            b'"n":5',
            [(ChainKind.BROKEN, 4), (ChainKind.BROKEN, 5), (ChainKind.NO_STOP, 5)],
        ),
        (
            b'"boot":"b0"',
            b'"boot":"b7"',
            [
                (ChainKind.CUT, 4),
                (ChainKind.BROKEN, 5),
                (ChainKind.NO_STOP, 5),
                (ChainKind.NO_STOP, 4),
            ],
        ),
    ],
    ids=["number", "boot"],
)
def test_a_line_that_follows_and_has_another_place_is_told(
    old: bytes, new: bytes, expected: list[tuple[str, int]], path: Path
) -> None:
    """What is made anew without care: `prev` alone does not make a line the next one."""

    def change(lines: Lines) -> Lines:
        changed = lines[3].replace(old, new)
        after = json.loads(lines[4])
        after["prev"] = sha256(changed if b'"b0"' in changed else lines[2]).hexdigest()
        rest = json.dumps(after, separators=(",", ":")).encode()
        return [*lines[:3], changed, rest]

    rewrite(path, change)
    assert told(verify(read([path]))) == expected


@pytest.mark.parametrize("key", [SEAL], indirect=True)
def test_without_the_key_the_chain_cannot_be_made_anew(path: Path) -> None:
    """Who edits a line and recomputes all that follow still lacks the key."""
    rewrite(path, lambda lines: rechain(at(3, edit)(lines)))
    assert_chained(path)
    verification = verify(read([path]), split_keys(SEAL))
    assert not verification.holds
    assert told(verification) == [(ChainKind.UNSEALED, 1), (ChainKind.UNSEALED, 8)]


@pytest.mark.parametrize("key", [SEAL], indirect=True)
def test_a_chain_made_anew_from_a_line_on_is_seen_there(path: Path) -> None:
    """The lines before it keep their seal."""

    def forge(lines: Lines) -> Lines:
        forged = rechain(lines)
        for index in (3, 4, 5, 6):
            record = json.loads(forged[index])
            record.pop("mac", None)
            record["prev"] = sha256(lines[2] if index == 3 else forged[index - 1]).hexdigest()
            forged[index] = json.dumps(record, separators=(",", ":")).encode()
        return [*lines[:3], *forged[3:7]]

    rewrite(path, forge)
    verification = verify(read([path]), split_keys(SEAL))
    found = [*((ChainKind.UNSEALED, number) for number in (4, 5, 6, 7)), (ChainKind.NO_STOP, 3)]
    assert told(verification) == found


@pytest.mark.parametrize("key", [SEAL], indirect=True)
@pytest.mark.parametrize("given", [b"", b"another key of enough bytes"], ids=["none", "another"])
def test_a_chain_of_another_key_is_said_to_be_one(path: Path, given: bytes) -> None:
    """Once for each boot, not once for each line."""
    verification = verify(read([path]), split_keys(given))
    assert not verification.holds
    assert [kind for kind, _ in told(verification)] == [ChainKind.SEALED, ChainKind.SEALED]


@pytest.mark.parametrize("key", [SEAL], indirect=True)
def test_a_sealed_line_ends_in_a_mac_of_its_bytes_that_the_next_one_names(path: Path) -> None:
    """Keyed BLAKE2b, under a key of its own that is made from the file's."""
    line_key = hmac.new(SEAL, b"hookgate ledger line", sha256).digest()
    first, second = path.read_bytes().splitlines()[:2]
    body, name, mac = first.partition(b',"mac":"')
    assert name
    digest = blake2b(body, key=line_key, digest_size=32).hexdigest()
    assert mac == digest.encode() + b'"}'
    assert json.loads(second)["prev"] == digest


@pytest.mark.parametrize("said", [None, 7, ["x"], {}])
def test_a_start_that_says_nothing_readable_is_survived(tmp_path: Path, said: object) -> None:
    """Nobody promised that the file is a ledger."""
    path = tmp_path / "audit.jsonl"
    record = {"event": "start", "boot": "b0", "n": 1, "prev": "", "previous_line": said}
    record["follows"] = said
    path.write_text(json.dumps(record) + "\n")
    found = verify(read([path]))
    assert (found.boots, found.holds) == ((1, True) if said is None else (0, False))


def test_a_second_start_within_a_boot_is_no_link(path: Path, key: bytes) -> None:
    """Made up, as it follows from nothing."""
    said = {"event": "start", "boot": "b0", "n": 1, "prev": "", "previous_line": ""}
    made = json.dumps(said).encode()
    rewrite(path, lambda rows: [*rows[:3], made, *rows[3:]])
    kind = ChainKind.UNSEALED if key else ChainKind.INSERTED
    assert told(verify(read([path]), split_keys(key))) == [(kind, 4)]


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
