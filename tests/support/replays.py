"""A gate's quarantine with what a gate kept in it, and the commands that give it back."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hookgate.gate.gate import Gate
from hookgate.policy import Head
from hookgate.quarantine.entry import Entry

from . import forked
from .core_gate import NOWHERE, PEER, Log, deliver, head, make_config
from .events import event
from .kept import PUBLIC, SECRET
from .ledger import Record, read_ledger
from .quarantine import make_store

# What `hookgate quarantine` imports on its way.
# So many wait to be kept, and none is turned away.
_AT_ONCE = 200
OBSERVE = {"checks.contract": "observe"}
WHY = ("--yes", "--reason", "the contract was wrong")


def refused(number: int) -> bytes:
    """A body that the contract refuses, as it has no event."""
    return event(reference=f"ref-{number}", event=...)


class Kept:
    """A folder with hookgate.toml, ledger, identity and quarantine; `url` is the endpoint's.

    The commands go by a contract that only observes, the gate that keeps by one that refuses.
    """

    def __init__(self, folder: Path, url: str = NOWHERE, **settings: Any) -> None:
        self.folder = folder
        self.audit = folder / "audit.jsonl"
        self.replays = folder / "audit.replay.jsonl"
        self.path = folder / "quarantine"
        self.identity = folder / "identity.key"
        self.identity.write_text(SECRET + "\n")
        self.identity.chmod(0o600)
        self.settings: dict[str, Any] = {
            "upstream.url": url,
            "source.allow": [PEER],
            "audit.path": str(self.audit),
            "quarantine.path": str(self.path),
            "quarantine.recipients": [PUBLIC],
            "upstream.timeout": "60s",  # however busy the machine is
            **settings,
        }
        self._started: list[forked.Forked | subprocess.Popen[str]] = []
        self.configure(**OBSERVE)

    def configure(self, **changes: Any) -> None:
        """Write hookgate.toml, by which the commands go; `changes` are `section.key` settings."""
        sections: dict[str, dict[str, object]] = {}
        for key, value in {**self.settings, **changes}.items():
            section, _, name = key.partition(".")
            sections.setdefault(section, {})[name] = value
        lines = []
        for section, values in sections.items():
            lines += [f"[{section}]", *(f"{k} = {json.dumps(v)}" for k, v in values.items())]
        (self.folder / "hookgate.toml").write_text("\n".join(lines) + "\n")

    def keep(
        self, bodies: Iterable[bytes], request: Head | None = None, tries: int = 3, **keys: Any
    ) -> list[Record]:
        """Have a gate refuse bodies, each so many times; returns the records of the last.

        After three tries the sender of an event gives up.
        """
        sent, request = list(bodies), request or head()

        async def act() -> None:
            gate = Gate(config, "test", Log().logger)
            for bodies in [sent[n : n + _AT_ONCE] for n in range(0, len(sent), _AT_ONCE)] * tries:
                deliveries = [gate.begin(request.peer) for _ in bodies]
                assert all(delivery.screen(request) is None for delivery in deliveries)
                answers = list(map(deliver, deliveries, bodies))
                await asyncio.wait_for(asyncio.gather(*answers), 60)
            await gate.close()

        given = {**self.settings, "checks.contract": "enforce", **keys}
        config = make_config(str(given.pop("upstream.url")), self.folder, **given)
        asyncio.run(act())
        records = read_ledger(self.audit)
        kept = [record for record in records if record.get("kept")]
        assert len(kept) >= len(sent), [r.get("not_kept") for r in records]
        return kept[-len(sent) :]

    def entries(self) -> list[Entry]:
        """What is there."""
        return list(make_store(self.path).entries())

    def released(self) -> list[Record]:
        """The lines that say that something left by a replay or a purge."""
        return self.lines("released")

    def lines(self, kind: str) -> list[Record]:
        """The lines of a kind in the ledger of replays."""
        if not self.replays.exists():
            return []
        return [r for r in read_ledger(self.replays, growing=True) if r["event"] == kind]

    def start(self, *arguments: str) -> forked.Forked | subprocess.Popen[str]:
        """Start `hookgate quarantine ARGUMENTS` with the identity, as a process of its own."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}
        environment["HOOKGATE_QUARANTINE_IDENTITY"] = str(self.identity)
        command = [str(Path(sys.executable).with_name("hookgate")), "quarantine", *arguments]
        process = forked.start(command, environment, self.folder) or subprocess.Popen(
            command,
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what was started and runs still."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait(60)
            for stream in filter(None, (process.stdout, process.stderr)):
                stream.close()

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The same to its end: exit status, output and errors."""
        process = self.start(*arguments)
        assert process.stdout is not None
        assert process.stderr is not None
        with process.stdout, process.stderr:
            said, told = process.stdout.read(), process.stderr.read()
        status = process.wait(60)
        assert "Traceback" not in told, told
        return status, said, told
