"""`hookgate quarantine --fleet`: what several gates keep, from the store they send it to."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.calling import Call
from support.fleet import Fleet, new_fleet
from support.receiver import Receiver, receiving
from support.replays import Kept, refused

DSN = ("--fleet", "--dsn-file", "replayer.dsn")


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """One whose replayer has replayer.dsn."""
    with new_fleet() as made:
        secret(tmp_path / "replayer.dsn", made.replayer())
        yield made


def secret(file: Path, text: str) -> None:
    file.write_text(text + "\n")
    file.chmod(0o600)


class Gates:
    """Gates with a folder each, whose ledgers and quarantines are shipped when asked for."""

    def __init__(self, folder: Path, fleet: Fleet, call: Call, url: str) -> None:
        self._call = call
        self.kept: dict[str, Kept] = {}
        for name in ("amsterdam", "utrecht"):
            (folder / name).mkdir()
            secret(folder / f"{name}.dsn", fleet.gate(name))
            secret(folder / name / "seal.key", "a-key-of-tests-0123456789")
            self.kept[name] = Kept(
                folder / name,
                url,
                **{
                    "audit.seal_key_file": str(folder / name / "seal.key"),
                    "fleet.name": name,
                    "fleet.dsn_file": str(folder / f"{name}.dsn"),
                    "fleet.quarantine": True,
                },
            )

    def ship(self) -> list[str]:
        """Ship what all of them have; returns what was printed."""
        said = []
        for made in self.kept.values():
            if made.audit.exists():
                done = self._call("ship", "--once", "--config", str(made.folder / "hookgate.toml"))
                assert done.status == 0, done.err
                said.append(done.out)
        return said


@pytest.fixture
def gates(tmp_path: Path, fleet: Fleet, call: Call, endpoint: Receiver) -> Iterator[Gates]:
    made = Gates(tmp_path, fleet, call, endpoint.url)
    os.environ["HOOKGATE_QUARANTINE_IDENTITY"] = str(made.kept["amsterdam"].identity)
    yield made
    del os.environ["HOOKGATE_QUARANTINE_IDENTITY"]
    for kept in made.kept.values():
        kept.close()


def test_a_list_of_all_gates_needs_neither_configuration_nor_identity(
    call: Call, gates: Gates
) -> None:
    gates.kept["amsterdam"].keep([refused(1), refused(2)], tries=1)
    gates.kept["utrecht"].keep([refused(2), b'{"a":1,"a":2}'], tries=1)
    assert [said.split(", ")[1] for said in gates.ship()] == ["2 items\n", "2 items\n"]
    listed = call("quarantine", "list", *DSN)
    assert (listed.status, listed.err) == (0, "")
    header, *rows = map(str.split, listed.out.splitlines())
    assert header == ["kept", "bytes", "sha256", "state", "gate", "reason", "route", "reference"]
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
    none = call("quarantine", "list", *DSN, "--gate", "delft")
    assert none.err == "nothing is kept in the store for gate delft\n"


def test_what_is_purged_at_its_gate_is_gone_from_the_list(call: Call, gates: Gates) -> None:
    gates.kept["amsterdam"].keep([refused(1), refused(2)], tries=1)
    gates.ship()
    config = str(gates.kept["amsterdam"].folder / "hookgate.toml")
    done = call("quarantine", "purge", "--reference", "ref-1", "--yes", "--config", config)
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
