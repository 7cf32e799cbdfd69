"""Gates that send what they keep to the store of a fleet, and desks to replay at."""

import asyncio
import json
import subprocess
import time
from pathlib import Path

from hookgate.gate.gate import Gate
from support import forked
from support.calling import Call, Result
from support.core_gate import Log, make_config
from support.fleet import Fleet
from support.replays import Kept

DSN = ("--fleet", "--dsn-file", "replayer.dsn")


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
    def seal_keys(self) -> list[str]:
        """The options that name the keys of all gates."""
        files = [str(made.folder / "seal.key") for made in self.kept.values()]
        return [part for file in files for part in ("--seal-key", file)]

    @property
    def by_keys(self) -> list[str]:
        """And those that name the store."""
        return [*DSN, *self.seal_keys]

    def replay(self, *options: str, at: str = "desk") -> Result:
        return self._call("quarantine", "replay", *self.by_keys, *self.config(at), *options)

    def start(self, at: str, *options: str) -> "forked.Forked | subprocess.Popen[str]":
        """A replay as a process of its own."""
        dsn = str(self._folder / "replayer.dsn")
        store = ["--fleet", "--dsn-file", dsn, *self.seal_keys]
        return self.kept[at].start("replay", *store, *options)

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
        done = self._call("audit", "balance", *files, *self.seal_keys, "--json")
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
