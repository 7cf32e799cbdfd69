"""`hookgate audit balance`."""

import fcntl
from pathlib import Path

import pytest

from support.calling import Call
from support.lines import delivery, forward, nginx, refusals, start, stop, write


@pytest.fixture(autouse=True)
def ledger(call: Call) -> Path:
    """A ledger that balances, where audit.path has it."""
    return write(
        Path("hookgate-audit.jsonl"),
        start(),
        forward(1),
        delivery(1),
        refusals(2, 4, 3),
        stop(4, delivered=1, refused=3),
    )


def test_a_ledger_that_balances_exits_0(call: Call) -> None:
    """The sums of each boot and of all are shown."""
    result = call("audit", "balance")
    assert result.status == 0
    assert result.out.splitlines()[0] == "balances"
    rows = [line.split() for line in result.out.splitlines()[1:]]
    assert rows[0][:3] == ["boot", "front", "received"]
    assert rows[1] == ["b0", "sidecar", "4", "1", "3", "0", "0", "0"]
    assert rows[2] == ["all", "4", "1", "3", "0", "0", "0"]


def test_json_has_the_same_numbers(call: Call) -> None:
    """For scripts."""
    report = call("audit", "balance", "--json").json
    assert report["balances"] is True
    assert report["total"] == {
        "received": 4, "delivered": 1, "refused": 3, "failed": 0, "aborted": 0, "unknown": 0,
        "in_flight": 0, "missing": 0,
    }  # fmt: skip
    assert report["boots"] == [{"boot": "b0", "front": "sidecar", **report["total"]}]
    assert report["findings"] == []


def test_what_is_missing_is_named_with_its_line_and_exits_1(call: Call, ledger: Path) -> None:
    """A line was taken out of the ledger."""
    write(ledger, start(), delivery(2, "not_utf8"), stop(2, refused=1))
    result = call("audit", "balance", str(ledger))
    assert result.status == 1
    assert "does not balance" in result.out
    assert "missing  hookgate-audit.jsonl:2\n  boot b0: request 1: no line" in result.out
    assert "open: 0 unknown, 0 in flight, 1 missing" in result.out
    (found,) = call("audit", "balance", "--json").json["findings"]
    assert (found["kind"], found["place"]) == ("missing", "hookgate-audit.jsonl:2")


def test_an_unknown_is_named_and_balances(call: Call, ledger: Path) -> None:
    """Killed while an event was on its way: no fault of the ledger, and no secret."""
    write(ledger, start(), forward(1, reference="r-1"))
    result = call("audit", "balance")
    assert result.status == 0
    assert "unknown  hookgate-audit.jsonl:2" in result.out
    assert "request b0-1, reference r-1, was forwarded and has no end" in result.out


def test_of_many_findings_the_grave_come_first_and_the_rest_are_counted(
    call: Call, ledger: Path
) -> None:
    """A person reads some, and knows how many there are."""
    write(ledger, *(start(f"b{n}") for n in range(60)), start("x"), delivery(1, boot="x"))
    result = call("audit", "balance")
    told = [line for line in result.out.splitlines() if "hookgate-audit.jsonl:" in line]
    assert told[0].startswith("unforwarded")
    assert len(told) == 50
    assert "and 12 no stop more; --json has more of them" in result.out


def test_several_files_are_added_up(call: Call, ledger: Path) -> None:
    """Workers' and rotated ones are found by themselves, nginx's are named."""
    write(Path("hookgate-audit.1.jsonl"), start("b1"), delivery(1, "not_utf8", "b1"))
    write(Path("nginx.jsonl"), nginx())
    assert call("audit", "balance", "--json").json["total"]["received"] == 5
    report = call("audit", "balance", str(ledger), "nginx.jsonl", "--json").json
    assert report["unnumbered"] == {"delivered": 1}
    result = call("audit", "balance", "nginx.jsonl")
    assert "nginx: 1 received, 1 delivered. It numbers no requests" in " ".join(result.out.split())
    assert len(result.out.splitlines()) == 2  # no table of nothing


def test_a_gate_that_holds_its_ledger_is_known_to_run(call: Call, ledger: Path) -> None:
    """By the lock on the file, as long as it is there."""
    write(ledger, start(), forward(1))
    with ledger.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "boot b0: it still runs\n" in call("audit", "balance").out
    assert "boot b0: it crashed, or is still running\n" in call("audit", "balance").out


def test_a_hostile_record_cannot_speak_to_the_terminal(call: Call, ledger: Path) -> None:
    """Escape sequences and markup in a record are shown, not obeyed."""
    write(ledger, start("\x1b[2J"), forward(1, "\x1b[2J", reference="\x1b]0;x\x07\r[bold]x[/]"))
    result = call("audit", "balance")
    assert not {"\x1b", "\r", "\x07"} & set(result.out)
    assert r"\x1b]0;x\x07\r[bold]x[/]" in "".join(result.out.split("\n  "))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl cannot be read"),
        (["."], ". cannot be read"),
    ],
)
def test_misuse_is_one_clear_line(call: Call, arguments: list[str], words: str) -> None:
    """Exit 2, and the line names the file."""
    result = call("audit", "balance", *arguments)
    assert result.status == 2
    assert words in result.err
    assert len(result.err.splitlines()) == 1
