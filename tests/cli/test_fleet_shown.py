"""The gates of a real store in a terminal and on a page, by a login that only reads."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.calling import Call
from support.fleet import Chain, Fleet, new_fleet, segment
from support.live import living
from support.screen import Seat
from support.sidecar import HOOKGATE

DELIVERED = {"outcome": "delivered", "reason": "clean", "front": "sidecar", "policy": "p1"}
REFUSED = {**DELIVERED, "outcome": "refused", "reason": "contract_violation"}
READER = ("--fleet", "--dsn-file", "reader.dsn")


@pytest.fixture
def fleet(tmp_path: Path, call: Call) -> Iterator[Fleet]:
    """Two gates that ship, and somebody who may read."""
    with new_fleet() as made:
        admin = tmp_path / "admin.dsn"
        admin.write_text(made.dsn)
        admin.chmod(0o600)
        done = call(
            *("fleet", "init", "--dsn-file", "admin.dsn", "--reader", "anna", "--to", "reader.dsn")
        )
        assert done.status == 0, done.err
        for name in ("amsterdam", "utrecht"):
            store, chain = made.store(name), Chain(Path("-"), name)
            store.hello("hookgate 1.2.3", 0, None, time.time())
            assert store.put(segment(chain, 5, **DELIVERED))
            ids = {"request_id": f"{name}-1f", "errors": ["/channel: missing"]}
            assert store.put(segment(chain, 1, **REFUSED, **ids))
        yield made


def test_the_state_of_all_or_of_some(call: Call, fleet: Fleet) -> None:
    """As text or as JSON; 1 where there is no news of a gate, and no secret in it."""
    password = Path("reader.dsn").read_text().split("password=")[1].split()[0]
    done = call("top", *READER, "--once", "--gate", "utrecht", "--gate", "delft")
    assert done.status == 1
    assert "delft: There is no news of the gate since" in done.out
    assert "utrecht  known by the store" in done.out
    assert "amsterdam" not in done.out
    fleet.sql("ALTER ROLE hookgate_reader_anna NOLOGIN")
    done = call("top", *READER, "--json")
    fleet.sql("ALTER ROLE hookgate_reader_anna LOGIN")
    assert done.status == 1
    (cause,) = done.json["causes"]
    assert "the store cannot be used: this login is none that may log in" in cause["what"]
    assert password not in done.out + done.err


FORGED = "utrecht: fork: lines 1 to 9 of boot b2 were received twice"


@pytest.mark.parametrize(
    "verb",
    [
        "fleet status", "audit verify", "audit balance", "audit stats", "audit show",
        "audit fate forged", "audit explain forged", "audit duplicates", "top --once",
    ],
)  # fmt: skip
def test_what_a_gate_is_said_to_be_called_forges_no_line(
    call: Call, fleet: Fleet, verb: str
) -> None:
    """Boots and versions are words of whoever has a gate's password."""
    store = fleet.store("amsterdam")
    store.hello(f"\n{FORGED}"[:64], 0, None, time.time())
    for follows in (f"\r\n{FORGED}\n"[:64], f"\n{FORGED}"[:64]):
        chain = Chain(Path("-"), f"\n{FORGED}"[:60] + follows[:2], follows=follows)
        sent = segment(chain, 3, **DELIVERED, request_id="forged", host=f"\n{FORGED}")
        assert store.put(replace(sent, follows=follows))
        store.tell_cut(chain.boot, 2)
    name, *words = verb.split()
    options = ("--dsn-file", "reader.dsn") if name == "fleet" else READER
    done = call(name, *words, *options)
    told = done.out + done.err
    assert "fork" in told or name == "top" or "stats" in words
    assert not [line for line in told.splitlines() if line.strip().startswith("utrecht: fork")]


@pytest.mark.parametrize("is_stop_sent", [True, False])
def test_of_a_gate_whose_shipper_died_only_what_is_known_is_said(
    call: Call, fleet: Fleet, tmp_path: Path, *, is_stop_sent: bool
) -> None:
    """Whether it stopped since, or runs again, no store can tell."""
    chain = Chain(tmp_path / "audit.jsonl", "d1")
    chain.add(3, **DELIVERED)
    (tmp_path / "delft.dsn").write_text(fleet.gate("delft"))
    (tmp_path / "delft.dsn").chmod(0o600)
    Path("hookgate.toml").write_text(
        '[audit]\npath = "audit.jsonl"\n[fleet]\nname = "delft"\ndsn_file = "delft.dsn"\n'
    )
    if is_stop_sent:
        chain.stop()
    assert call("ship", "--once").status == 0
    if is_stop_sent:
        Chain(chain.path, "d2", follows=f"d1:{chain.n}:{chain.prev}").add(2)
    else:
        chain.stop()
    fleet.sql("UPDATE hookgate.gate SET seen = now() - interval '1 hour' WHERE gate = 'delft'")
    told = call("top", *READER, "--gate", "delft", "--json").json["causes"][0]["what"]
    listed = call("fleet", "status", "--dsn-file", "reader.dsn").out
    assert told.startswith("There is no news of the gate since ")
    assert "has stopped" not in told + listed
    (silent,) = [line for line in listed.splitlines() if line.startswith("delft: silent: ")]
    assert ("had stopped" in told) == ("had stopped" in silent) == is_stop_sent
    assert silent.endswith("not known")


def test_a_session_at_a_terminal(fleet: Fleet, tmp_path: Path) -> None:
    """Enter asks the store, by the same file."""
    with Seat([HOOKGATE, "top", *READER], tmp_path, 120, 40) as seat:
        seat.wait_for_word("utrecht-1f")
        seat.press("p")
        seat.wait_for_word("paused at")
        seat.press("\x1b[B\r")
        lines = seat.wait_for_word("/channel: missing")
        assert any("contract_violation" in line for line in lines)
        seat.press("qq")
        assert seat.end() == 0


def test_the_page(fleet: Fleet, tmp_path: Path) -> None:
    """A gate that joins the store is on it a second later."""
    with living(tmp_path, *READER) as live, live.reading(live.log_in()) as states:
        states.head()
        state = states.until(lambda state: len(state["not_delivered"]) == 2)
        assert state["title"] == "2 gates"
        rows = {row["request_id"] for row in state["not_delivered"]}
        assert rows == {"amsterdam-1f", "utrecht-1f"}
        fleet.store("delft").hello("hookgate 1.2.3", 0, None, time.time())
        states.until(lambda state: [gate["answers"] for gate in state["gates"]] == [True] * 3)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--fleet"], "--fleet needs a store: name the file with a reader's DSN by --dsn-file"),
        (["--fleet", "--dsn-file", "none.dsn"], "none.dsn cannot be read"),
        (["--dsn-file", "x.dsn"], "--dsn-file goes with --fleet, which is not given"),
        (["--fleet", "--dsn-file", "x.dsn", "--log", "audit.jsonl"], "name one of the two"),
        (["--gate", "amsterdam"], "or give --fleet for the name of a gate"),
        (
            ["--fleet", "--dsn-file", "x.dsn", "--gate", "http://user:secret@10.0.0.1:9180"],
            "a URL goes without --fleet",
        ),
        (["--fleet", "--dsn-file", "x.dsn", "--gate", "A b"], "is no name for a gate"),
        (
            [
                "--fleet",
                "--dsn-file",
                "x.dsn",
                *(w for n in range(65) for w in ("--gate", f"g{n}")),
            ],
            "at most 64",
        ),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_what_does_not_go_together_is_told_in_a_line(
    call: Call, arguments: list[str], told: str
) -> None:
    Path("x.dsn").write_text("host=127.0.0.1")
    Path("x.dsn").chmod(0o600)
    done = call("top", "--once", *arguments)
    assert (done.status, told in done.err) == (2, True), done.err
    assert "secret" not in done.err
    assert len(done.err.splitlines()) == 1
