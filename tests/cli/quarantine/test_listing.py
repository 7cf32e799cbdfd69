"""`hookgate quarantine list`, `show`, `stats` and `purge`: what is kept, read and erased."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from support.calling import Call
from support.core_gate import head
from support.ledger import assert_balanced, assert_chained
from support.quarantine import make_item, make_record, opened_store
from support.replays import Kept, refused

TARGET = b"/cm/events?token=secret-1"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_a_list_needs_neither_identity_nor_ledger(call: Call, kept: Kept) -> None:
    kept.keep([refused(1)])
    kept.keep([b'{"a":1,"a":2}'])
    for file in (kept.identity, *kept.folder.glob("audit*")):
        file.unlink()
    listed = call("quarantine", "list")
    assert listed.status == 0
    header, first, second = map(str.split, listed.out.splitlines())
    assert first[1].endswith("Z")  # local time with its offset, as everywhere
    assert header[:4] == ["kept", "bytes", "sha256", "left"]
    assert first[2:] == [
        *(str(len(refused(1))), sha256(refused(1)).hexdigest()[:8], "30d"),
        *("contract_violation", "cm-events", "ref-1"),
    ]
    assert second[5:6] == ["duplicate_key"]
    items = [json.loads(line) for line in call("quarantine", "list", "--json").out.splitlines()]
    assert [item["record"]["reason"] for item in items] == ["contract_violation", "duplicate_key"]
    assert not any(item["custody"] for item in items)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--reason-code", "duplicate_key"], 1),
        (["--reason-code", "duplicate_key", "--reason-code", "contract_violation"], 2),
        (["--reference", "ref-1"], 1),
        (["--sha256", sha256(refused(1)).hexdigest()[:9]], 1),
        (["--route", "/cm/events"], 2),
        (["--route", "cm-events", "--reason-code", "not_utf8"], 0),
        (["--since", "1h"], 2),
        (["--since", "2999-01-01"], 0),
        (["--until", "2999-01-01", "--reason-code", "duplicate_key"], 1),
        (["--until", "1h"], 0),
    ],
)
def test_a_list_is_filtered(call: Call, kept: Kept, options: list[str], count: int) -> None:
    kept.keep([refused(1), b'{"a":1,"a":2}'])
    listed = call("quarantine", "list", "--json", *options)
    assert len(listed.out.splitlines()) == count
    assert ("none of 2 items" in listed.err) == (not count)


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("", 2, "quarantine.path is not set"),
        ("nowhere", 2, "is no folder; the gate makes it as it starts"),
        ("open", 1, "chmod go-w"),
    ],
)
@pytest.mark.parametrize("verb", [["list"], ["stats"], ["show", "abcd"], ["replay"]], ids=" ".join)
def test_a_store_that_cannot_be_read_is_told(
    call: Call, kept: Kept, verb: list[str], path: str, status: int, says: str
) -> None:
    (kept.folder / "open").mkdir()
    (kept.folder / "open").chmod(0o777)
    kept.settings["quarantine.path"] = path and str(kept.folder / path)
    kept.settings["quarantine.recipients"] = kept.settings["quarantine.recipients"] if path else []
    kept.configure()
    identity = ["--identity", str(kept.identity)] if verb == ["replay"] else []
    result = call("quarantine", *verb, *identity)
    assert result.status == status
    assert says in result.err


def test_an_empty_quarantine_is_told(call: Call, kept: Kept) -> None:
    opened_store(kept.path)
    assert "nothing is kept in" in call("quarantine", "list").err
    assert call("quarantine", "stats", "--json").json["items"] == 0


def test_one_item_is_shown_as_far_as_it_may_be_read(call: Call, kept: Kept) -> None:
    kept.keep([refused(1)], head()._replace(target=TARGET))
    digest = sha256(refused(1)).hexdigest()
    shown = call("quarantine", "show", digest[:8].upper())
    assert "contract_violation" in shown.out
    assert "/event: missing" in shown.out
    assert "secret-1" not in shown.out
    with_identity = ["--identity", str(kept.identity)]
    read = call("quarantine", "show", digest, *with_identity)
    assert "POST /cm/events?token=secret-1 HTTP/1.1" in read.out
    assert "Content-Type: application/json" in read.out
    head_read = call("quarantine", "show", digest, *with_identity, "--json").json["head"]
    assert head_read["client"] == "127.0.0.1"
    assert call("quarantine", "show", digest, "--body").status == 2
    unknown = call("quarantine", "show", "0000")
    assert unknown.status == 1
    assert "hookgate quarantine list" in unknown.err
    kept.entries()[0].path.write_bytes(b"no age file")
    broken = call("quarantine", "show", digest, *with_identity)
    assert broken.status == 1
    assert "is no age file" in broken.out


def test_a_body_comes_as_it_came(kept: Kept) -> None:
    """Two targets have one body; a terminal is written nothing that moves its cursor."""
    body = b'{"a":"\x1b[2J"}\xff'
    for target in (b"/a", b"/b"):
        kept.keep([body], head()._replace(target=target))
    digest = sha256(body).hexdigest()
    command = [sys.executable, "-m", "hookgate_cli", "quarantine", "show", digest, "--body"]
    environment = {**os.environ, "HOOKGATE_QUARANTINE_IDENTITY": str(kept.identity)}
    piped = subprocess.run(command, cwd=kept.folder, env=environment, capture_output=True)
    assert piped.stdout == body, piped.stderr
    main, terminal = os.openpty()
    with os.fdopen(main, "rb", 0) as read, os.fdopen(terminal, "wb", 0) as write:
        subprocess.run(command, cwd=kept.folder, env=environment, stdout=write, check=True)
        said = read.read(4096)
    assert b'{"a":"\\x1b[2J"}\\xff' in said
    assert b"\x1b" not in said


def list_on_terminal(kept: Kept, columns: int) -> list[str]:
    """What `list` prints on a terminal of this width."""
    command = [sys.executable, "-m", "hookgate_cli", "quarantine", "list"]
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    main, terminal = os.openpty()
    with os.fdopen(main, "rb", 0) as read, os.fdopen(terminal, "wb", 0) as write:
        subprocess.run(command, cwd=kept.folder, env=environment, stdout=write, check=True)
        return read.read(4096).decode().splitlines()


def test_a_narrow_terminal_shows_words_and_names_whole(kept: Kept) -> None:
    """The reference is on a line of its own."""
    kept.keep([refused(1)])
    assert all(len(line) <= 60 for line in list_on_terminal(kept, 60))
    lines = list_on_terminal(kept, 80)
    header, _, item, name = lines
    assert all(len(line) <= 80 for line in lines)
    assert header.split()[-1] == "contract"
    assert item.split()[-2:] == ["contract_violation", "cm-events"]
    assert name == "  ref-1"


def test_stats_count_what_is_there(call: Call, kept: Kept) -> None:
    kept.keep([refused(1), refused(2), b'{"a":1,"a":2}'])
    custody = make_item(9)
    opened_store(kept.path).keep(custody, make_record(custody, custody=True, reason="not_utf8"))
    found = call("quarantine", "stats", "--json").json
    assert found["items"] == 4
    assert found["max_items"] == 10_000
    assert found["bytes"] == sum(f.stat().st_size for f in kept.path.glob("??/*"))
    assert found["reasons"] == {"contract_violation": 2, "duplicate_key": 1, "not_utf8": 1}
    assert (found["custody"], found["claims"]) == (1, 0)
    assert "4 of 10,000" in call("quarantine", "stats").out


def test_a_purge_leaves_the_hash_and_who_asked(call: Call, kept: Kept) -> None:
    kept.keep([refused(1), refused(2)])
    assert call("quarantine", "purge").status == 2
    planned = call("quarantine", "purge", "--reference", "ref-1")
    assert planned.status == 0
    assert "ref-1" in planned.out
    assert "ref-2" not in planned.out
    assert len(kept.entries()) == 2
    done = call("quarantine", "purge", "--reference", "ref-1", "--yes", "--reason", "asked")
    assert (done.status, done.out) == (0, "erased: 1 item\n")
    assert len(kept.entries()) == 1
    (line,) = kept.released()
    assert (line["cause"], line["sha256"]) == ("purged", sha256(refused(1)).hexdigest())
    assert "ref-1" not in kept.replays.read_text()
    assert line["actor"]
    assert line["why"] == "asked"
    assert_chained(kept.replays)
    assert assert_balanced(kept.replays) == {}
    assert "no item" in call("quarantine", "purge", "--reference", "ref-1", "--yes").err


def test_custody_is_erased_only_where_that_is_said(call: Call, kept: Kept) -> None:
    custody = make_item(9)
    opened_store(kept.path).keep(custody, make_record(custody, custody=True))
    left = call("quarantine", "purge", "--all", "--yes")
    assert left.status == 1
    assert "left, as it has custody: 1 item" in left.err
    assert len(kept.entries()) == 1
    assert call("quarantine", "purge", "--all", "--custody", "--yes", "--json").json == {
        "purged": 1,
        "planned": 1,
        "left": 0,
    }
    assert kept.entries() == []
