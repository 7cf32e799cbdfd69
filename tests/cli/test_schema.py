"""`hookgate schema`."""

import json
import tomllib
from pathlib import Path

import pytest

from hookgate.config.contracts import SHIPPED_CONTRACTS, load_contract
from support.calling import Call


def words(text: str) -> str:
    return " ".join(text.split())


def test_it_lists_and_shows_what_ships(call: Call) -> None:
    """`show` prints the file itself, or that of its rules."""
    listed = call("schema", "list").out
    assert all(name in listed for name in SHIPPED_CONTRACTS)
    for name in SHIPPED_CONTRACTS:
        assert json.loads(call("schema", "show", name).out) == json.loads(load_contract(name))
        rules = tomllib.loads(call("schema", "show", name, "--rules").out)
        assert rules.keys() <= {"answer", "retry", "record"}
    assert call("schema", "show", "nonsense").status == 2


@pytest.mark.parametrize("name", SHIPPED_CONTRACTS)
def test_what_it_shows_is_a_contract_of_one_s_own_that_checks(
    call: Call, tmp_path: Path, name: str
) -> None:
    """And means what the shipped one does."""
    (tmp_path / "mine.json").write_text(call("schema", "show", name).out)
    (tmp_path / "mine.toml").write_text(call("schema", "show", name, "--rules").out)
    mine, shipped = call("schema", "check", "mine.json"), call("schema", "check", name)
    assert (mine.status, shipped.status) == (0, 0)
    assert "rules mine.toml" in words(mine.out)
    assert words(mine.out).partition("top level")[2] == words(shipped.out).partition("top level")[2]


def test_check_says_what_was_understood(call: Call, tmp_path: Path) -> None:
    """Top level, answer, retry rule, and where each recorded field is read."""
    (tmp_path / "own.json").write_text('{"type": ["array", "object"]}')
    (tmp_path / "own.toml").write_text(
        "answer = 'relay'\n[retry]\ntries = 5\nspan = '30d'\nassumed = true\n"
        "[record]\nreference = '/id'\nnames = ['/*/id', '/a~1b']\n"
    )
    told = words(call("schema", "check", "own.json").out)
    for expected in (
        "own.json: fine.",
        "top level an object or an array",
        "answer relay",
        "retry 5 tries, 30d, assumed",
        "a refusal tells the place",
        "records reference /id",
        "records names /*/id, /a~1b",
    ):
        assert expected in told
    assert "records from" not in told
    assert "tolerates" not in told
    assert "tolerates what keeps x-tolerated alone" in words(
        call("schema", "check", "cm-events").out
    )


def test_check_says_where_nothing_can_be_read(call: Call, tmp_path: Path) -> None:
    """Without rules the record is read as of cm-events, which are no arrays."""
    (tmp_path / "own.json").write_text('{"type": "array"}')
    told = call("schema", "check", "own.json")
    assert told.status == 0
    assert "rules none beside it" in words(told.out)
    assert "/reference; it leads nowhere in an array" in words(told.out)


def test_check_tells_every_problem_at_once(call: Call, tmp_path: Path) -> None:
    """Of the schema and of the rules, a line each, exit 2."""
    (tmp_path / "own.json").write_text('{"type": "text"}')
    (tmp_path / "own.toml").write_text("answr = 1\n[record]\nto = 'to'\n")
    result = call("schema", "check", "own.json")
    assert (result.status, result.out) == (2, "")
    schema, *rules = result.err.splitlines()
    assert schema.startswith("hookgate: own.json is no usable schema: ")
    assert [line.partition('"own.toml": ')[2] for line in rules] == [
        "answr is no key; did you mean answer?",
        'record.to = "to" is no JSON pointer; write "/to"',
    ]


def test_check_of_a_file_that_is_not_there_is_one_line(call: Call) -> None:
    """With the names that it may have meant."""
    result = call("schema", "check", "cm-event\x1b")
    assert result.status == 2
    [line] = result.err.splitlines()
    assert line.startswith("hookgate: cm-event\\x1b cannot be read: No such file or directory in ")
    assert "; did you mean " in line
