"""What the audit verbs make of lines that the seal key does not prove."""

import json
from pathlib import Path

import pytest

from support.calling import Call
from support.forgery import NEW, OLD, delivered, write_boots
from support.tamper import SEAL


@pytest.fixture(params=["numbered", "old", "nginx"])
def forged(call: Call, request: pytest.FixtureRequest) -> Path:
    """A sealed ledger, its key, and a made-up delivery in a file of its own."""
    Path("seal.key").write_bytes(SEAL + b"\n")
    path = Path("hookgate-audit.jsonl")
    write_boots(path, "a")
    made: dict[str, dict[str, object]] = {
        "numbered": dict(NEW),
        "old": dict(OLD),
        "nginx": {"front": "nginx", "boot": None},
    }
    path.with_name(path.name + ".7").write_bytes(delivered(**made[request.param]))
    return path


@pytest.fixture(params=["option", "configuration"])
def key(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The options that name the key, none where the configuration does."""
    if request.param == "option":
        return ("--seal-key", "seal.key")
    Path("hookgate.toml").write_text('[audit]\nseal_key_file = "seal.key"\n')
    return ()


def test_it_never_makes_an_event_delivered(call: Call, forged: Path, key: tuple[str, ...]) -> None:
    """Neither for `fate` nor for `explain`; how many lines are left out is said once."""
    result = call("audit", "fate", "forged", *key, "--json")
    assert result.status == 1
    assert json.loads(result.out.splitlines()[0])["fate"] == "never_seen"
    assert result.err.startswith("1 line is left out: the seal key does not prove it")
    assert result.err.count("left out") == 1
    assert call("audit", "explain", "forged", *key).status == 1


def test_it_counts_for_nothing(call: Call, forged: Path, key: tuple[str, ...]) -> None:
    """Three requests were received, and one of them was delivered."""
    stats = call("audit", "stats", *key, "--json").json
    assert stats["outcomes"] == {"refused": 2, "delivered": 1}
    assert stats["problems"] == 1
    added_up = call("audit", "balance", *key, "--json")
    assert added_up.status == 1  # a line that is left out is no clean verdict
    sums = added_up.json
    assert (sums["total"]["received"], sums["total"]["delivered"]) == (3, 1)
    assert not sums["unnumbered"]
    verified = call("audit", "verify", *key)
    assert verified.status == 1
    assert "nobody without the key" not in verified.out


def test_without_a_key_lines_are_taken_for_what_they_say(call: Call, forged: Path) -> None:
    """Nothing is left out, and nothing is said to be proved."""
    result = call("audit", "fate", "forged", "--json")
    assert json.loads(result.out.splitlines()[0])["fate"] == "delivered"
    assert result.err == ""


def test_a_configuration_that_cannot_be_read_is_no_reason_to_prove_nothing(
    call: Call, forged: Path
) -> None:
    """Exit 2 instead."""
    result = call("audit", "fate", "forged", "--config", "nowhere.toml")
    assert result.status == 2
    assert "nowhere.toml" in result.err


@pytest.mark.parametrize(
    "verb", [("stats",), ("balance",), ("duplicates",), ("report", "--html", "r.html")]
)
@pytest.mark.usefixtures("without_chart_library")
def test_a_key_that_proves_no_line_is_no_clean_verdict(
    call: Call, forged: Path, verb: tuple[str, ...]
) -> None:
    """As one of another gate; the command that is offered goes by it too."""
    Path("other.key").write_bytes(b"another key, of another gate\n")
    told = call("audit", *verb, str(forged), "--seal-key", "other.key")
    assert told.status == 1
    assert told.err.startswith("the seal key proves none of ")
    offered = f"hookgate audit verify --seal-key other.key {forged} says which"
    assert offered in told.err
    assert told.err.count("proves none") == 1
