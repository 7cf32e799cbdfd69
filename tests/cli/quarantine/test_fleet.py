"""`hookgate quarantine --fleet`: what several gates keep, from the store they send it to."""

import json

import pytest

from support.calling import Call
from support.fleet_gates import DSN, Gates
from support.receiver import Receiver
from support.replays import WHY, refused


def test_a_list_of_all_gates_needs_neither_configuration_nor_identity(
    call: Call, gates: Gates
) -> None:
    gates.kept["amsterdam"].keep([refused(1), refused(2)], tries=1)
    gates.kept["utrecht"].keep([refused(2), b'{"a":1,"a":2}'], tries=1)
    assert [said.split(", ")[1] for said in gates.ship()[:2]] == ["2 items\n", "2 items\n"]
    listed = call("quarantine", "list", *DSN)
    assert (listed.status, listed.err) == (0, "")
    header, *rows = map(str.split, listed.out.splitlines())
    assert header == ["kept", "bytes", "sha256", "state", "gate", "reason", "contract", "reference"]
    told = sorted((row[5], row[6], *row[8:]) for row in rows)
    assert told == [
        ("amsterdam", "contract_violation", "ref-1"),
        ("amsterdam", "contract_violation", "ref-2"),
        ("utrecht", "contract_violation", "ref-2"),
        ("utrecht", "duplicate_key"),
    ]
    assert {row[4] for row in rows} == {"held"}
    some = call("quarantine", "list", *DSN, "--gate", "utrecht", "--reference", "ref-2", "--json")
    (item,) = map(json.loads, some.out.splitlines())
    assert (item["gate"], item["state"], item["record"]["kept"]) == (
        "utrecht",
        "held",
        item["kept"],
    )
    desk = call("quarantine", "list", *DSN, "--gate", "desk")
    assert desk.err == "nothing is kept in the store for desk\n"
    for verb in ("list", "purge --all"):
        for name in ("delft", "\udcff"):
            none = call("quarantine", *verb.split(), *DSN, "--gate", name)
            assert none.status == 2
            assert "is none of the fleet's: amsterdam, desk, utrecht" in none.err


def test_what_is_purged_at_its_gate_is_gone_from_the_list(call: Call, gates: Gates) -> None:
    gates.kept["amsterdam"].keep([refused(1), refused(2)], tries=1)
    gates.ship()
    which = ("--reference", "ref-1", "--yes")
    done = call("quarantine", "purge", *which, *gates.config("amsterdam"))
    assert done.status == 0, done.err
    gates.ship()
    listed = call("quarantine", "list", *DSN, "--json")
    assert [json.loads(line)["record"]["reference"] for line in listed.out.splitlines()] == [
        "ref-2"
    ]


@pytest.mark.parametrize("option", ["--gate", "--dsn-file"])
def test_options_of_a_fleet_need_it(call: Call, option: str) -> None:
    done = call("quarantine", "list", option, "x")
    assert (done.status, "give that too" in done.err) == (2, True)


def test_what_all_gates_keep_is_sent_on_once(call: Call, gates: Gates, endpoint: Receiver) -> None:
    """An event that two gates keep too; then the gates let it go, and the ledgers balance."""
    gates.kept["amsterdam"].keep([refused(1), refused(2)])
    gates.kept["utrecht"].keep([refused(2), refused(3)])
    gates.ship()
    planned = gates.replay()
    assert planned.status == 0, planned
    assert "3 to be sent" in planned.out
    assert "1 of the same events, kept at another gate" in planned.out
    assert endpoint.seen == []
    done = gates.replay(*WHY, "--rate", "0")
    assert done.status == 0, done
    assert sorted(seen.body for seen in endpoint.seen) == [refused(1), refused(2), refused(3)]
    assert call("quarantine", "list", *DSN).err == "nothing is kept in the store\n"
    desk = gates.kept["desk"]
    assert len(desk.lines("delivery")) == len(desk.released()) == 3
    for name in ("amsterdam", "utrecht"):
        gates.ship()
        gates.look(name)
        assert gates.kept[name].entries() == []
    gates.ship()
    assert gates.balance() == {"kept": 4, "replayed": 3, "delivered": 1}
    files = [str(file) for made in gates.kept.values() for file in made.folder.glob("*.jsonl")]
    logs = [part for file in files for part in ("--log", file)]
    told = call("audit", "fate", "ref-2", *logs, *gates.config("desk"), *gates.seal_keys)
    assert told.out.startswith("delivered by a replay of "), told
    again = gates.replay(*WHY)
    assert (again.status, "no item" in again.err) == (0, True)


def test_what_is_kept_again_before_it_was_sent_on_has_arrived(
    gates: Gates, endpoint: Receiver
) -> None:
    """A gate that was away for a while tells of it late."""
    gates.kept["amsterdam"].keep([refused(1)])
    gates.kept["utrecht"].keep([refused(1)])
    gates.ship("amsterdam", "desk")
    late = gates.replay(*WHY)
    assert late.status == 1
    assert "gate utrecht is silent or behind" in late.err
    assert endpoint.seen == []
    assert gates.replay(*WHY, "--override").status == 0
    gates.ship()
    assert gates.plan() == {"delivered": 1}
    assert gates.replay(*WHY).status == 0
    assert len(endpoint.seen) == 1


def test_it_needs_the_keys_that_seal_the_gates_lines(call: Call, gates: Gates) -> None:
    (gates.kept["desk"].folder / "plain.toml").write_text(
        '[upstream]\nurl = "http://127.0.0.1:1"\n'
    )
    config = str(gates.kept["desk"].folder / "plain.toml")
    done = call("quarantine", "replay", *DSN, "--config", config)
    assert done.status == 2
    assert "needs the keys that seal the gates' lines" in done.err


def test_a_gate_does_not_send_on_what_is_in_the_store(
    call: Call, gates: Gates, endpoint: Receiver
) -> None:
    """It would race with whoever is at it there."""
    gates.kept["amsterdam"].keep([refused(1)])
    _, config = gates.config("amsterdam")
    for options in ((), WHY):
        done = call("quarantine", "replay", *options, "--config", config)
        assert done.status == 2
        assert done.err.endswith(f"hookgate quarantine replay --config {config} --fleet\n")
    assert endpoint.seen == []


def test_what_is_erased_in_the_store_is_erased_at_its_gate(call: Call, gates: Gates) -> None:
    gates.kept["amsterdam"].keep([refused(1), refused(2)])
    gates.kept["utrecht"].keep([refused(1)])
    gates.ship()
    which = ("--reference", "ref-1", "--gate", "amsterdam")
    done = call("quarantine", "purge", *DSN, *which, "--yes", *gates.config("desk"))
    assert (done.status, done.out) == (0, "erased: 1 item\n"), done.err
    listed = call("quarantine", "list", *DSN, "--json").out.splitlines()
    left = {(item["gate"], item["record"]["reference"]) for item in map(json.loads, listed)}
    assert left == {("amsterdam", "ref-2"), ("utrecht", "ref-1")}
    assert {json.loads(line)["state"] for line in listed} == {"held"}
    gates.ship()
    gates.look("amsterdam")
    assert len(gates.kept["amsterdam"].entries()) == 1


def test_an_item_is_shown_without_the_folder(call: Call, gates: Gates) -> None:
    (record,) = gates.kept["amsterdam"].keep([refused(1)])
    gates.ship()
    which = record["sha256"][:12], *DSN
    shown = call("quarantine", "show", *which, "--json")
    assert (shown.json["gate"], shown.json["head"]["method"]) == ("amsterdam", "POST")
    assert refused(1).decode() in call("quarantine", "show", *which, "--body").out
