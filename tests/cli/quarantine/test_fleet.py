"""`hookgate quarantine --fleet`: what several gates keep, from the store they send it to."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookgate.gate.gate import Gate
from support.calling import Call, Result
from support.core_gate import Log, make_config
from support.fleet import Fleet, new_fleet
from support.receiver import Receiver, receiving
from support.replays import WHY, Kept, refused

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
    """Gates with a folder each, whose ledgers and quarantines are shipped when asked for, and a
    desk to replay at, which ships its ledger too.
    """

    def __init__(self, folder: Path, fleet: Fleet, call: Call, url: str) -> None:
        self._call = call
        self.url = url
        self.kept: dict[str, Kept] = {}
        self._folder, self._fleet = folder, fleet
        for name in ("amsterdam", "utrecht", "desk"):
            self.add(name)

    def add(self, name: str) -> Kept:
        folder = self._folder / name
        folder.mkdir()
        secret(folder / "gate.dsn", self._fleet.gate(name))
        secret(folder / "seal.key", f"a-key-of-tests-at-{name}")
        keys = {
            "audit.seal_key_file": str(folder / "seal.key"),
            "fleet.name": name,
            "fleet.dsn_file": str(folder / "gate.dsn"),
            "fleet.quarantine": name != "desk",
        }
        made = self.kept[name] = Kept(folder, self.url, **keys)
        return made

    def config(self, name: str) -> tuple[str, str]:
        return ("--config", str(self.kept[name].folder / "hookgate.toml"))

    def ship(self, *names: str) -> list[str]:
        """Ship what these have, or all; returns what was printed."""
        said = []
        for name in names or self.kept:
            done = self._call("ship", "--once", *self.config(name))
            assert done.status == 0, done.err
            said.append(done.out)
        return said

    @property
    def by_keys(self) -> list[str]:
        """The options that name the store and the keys of all gates."""
        files = [str(made.folder / "seal.key") for made in self.kept.values()]
        return [*DSN, *(part for file in files for part in ("--seal-key", file))]

    def replay(self, *options: str, at: str = "desk") -> Result:
        return self._call("quarantine", "replay", *self.by_keys, *self.config(at), *options)

    def plan(self, *options: str, at: str = "desk") -> dict[str, int]:
        """How many items have each verdict."""
        done = self.replay("--json", *options, at=at)
        counts: dict[str, int] = json.loads(done.out.splitlines()[-1])["plan"]
        return {
            verdict: count for verdict, count in counts.items() if count and verdict != "reasons"
        }

    def balance(self) -> dict[str, int]:
        """What became of what is kept, by the ledgers of all."""
        files = [str(file) for made in self.kept.values() for file in made.folder.glob("*.jsonl")]
        keys = self.by_keys[len(DSN) :]
        done = self._call("audit", "balance", *files, *keys, "--json")
        counts: dict[str, int] = done.json["quarantine"]
        return {name: count for name, count in counts.items() if count}

    def look(self, name: str) -> None:
        """Have a gate look through its folder, as it does each minute."""

        async def act() -> None:
            made = self.kept[name]
            given = {**made.settings, "checks.contract": "enforce"}
            gate = Gate(
                make_config(given.pop("upstream.url"), made.folder, **given), "test", LOG.logger
            )
            until = time.monotonic() + 30
            while any(entry.claimed for entry in made.entries()) and time.monotonic() < until:
                gate.tick()
                await asyncio.sleep(0.01)
            await gate.close()

        asyncio.run(act())


LOG = Log()


@pytest.fixture
def gates(
    tmp_path: Path, fleet: Fleet, call: Call, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gates]:
    made = Gates(tmp_path, fleet, call, endpoint.url)
    monkeypatch.setenv("HOOKGATE_QUARANTINE_IDENTITY", str(made.kept["desk"].identity))
    yield made
    for kept in made.kept.values():
        kept.close()


def test_a_list_of_all_gates_needs_neither_configuration_nor_identity(
    call: Call, gates: Gates
) -> None:
    gates.kept["amsterdam"].keep([refused(1), refused(2)], tries=1)
    gates.kept["utrecht"].keep([refused(2), b'{"a":1,"a":2}'], tries=1)
    assert [said.split(", ")[1] for said in gates.ship()[:2]] == ["2 items\n", "2 items\n"]
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
    for options in ((), WHY):
        done = call("quarantine", "replay", *options, *gates.config("amsterdam"))
        assert done.status == 2
        assert "hookgate quarantine replay --fleet" in done.err
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
