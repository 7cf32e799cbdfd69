"""What happens in `hookgate demo --fleet`: three gates, one store, and a gate that is killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from typing import Any

from hookgate.fleet.admin import Admin
from hookgate.fleet.store import Store
from hookgate.fleet.waiting import Waiting
from hookgate.policy import Reason

from .firing import fire
from .gate_process import RunningGate, clean_environment, free_port, running_gate
from .samples import Sample, base, hostile
from .terminal import to_json

GATES = ("amsterdam", "utrecht", "delft")
PATH = "/cm/events"
NGINX = "127.0.0.3"
_PROVIDER, _STRANGER = "127.0.0.1", "127.0.0.2"
_BROKEN = (Reason.DUPLICATE_KEY, Reason.CONTRACT_VIOLATION)
_PATIENCE = 20  # seconds


@dataclass
class Sent:
    """An event, and how it was answered each time that it was sent. `name` is its reference, or
    the SHA-256 of its body.
    """

    name: str
    body: bytes
    expected: Reason
    statuses: list[int] = field(default_factory=list)


class Story:
    """The folder of the demo, with one for each gate; `dsn` is that of the store's administrator.

    `url` is where events are sent to. `sent` are all of them, `killed` is the gate that was.
    """

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        self.url = self.killed = ""
        self.sent: list[Sent] = []
        self.ports = {name: free_port() for name in GATES}
        self.admin = _write_secret(folder / "admin.dsn", dsn)
        self._event = json.loads(base("cm-events"))
        self._held = b""
        self._free = Event()
        admin = Admin.connect(dsn)
        admin.install()
        for name in GATES:
            (folder / name).mkdir()
            file = _write_secret(folder / f"{name}.dsn", admin.add_gate(name))
            (folder / name / "hookgate.toml").write_text(
                f'[source]\ntrusted_proxies = ["{NGINX}"]\n'
                f"[fleet]\nname = {to_json(name)}\ndsn_file = {to_json(str(file))}\n"
            )
        admin.close()

    def run_gate(self, name: str, upstream: str) -> AbstractContextManager[RunningGate]:
        """Run a gate that ships its ledger, for a block."""
        ledger, port = self._ledger(name), self.ports[name]
        return running_gate("serve", upstream, ledger, _PROVIDER, "--ship", port=port)

    def send_events(self, many: int) -> None:
        """Send clean events, each with a name of its own."""
        for _ in range(many):
            self._send(self._make_event())

    def send_refused(self) -> None:
        """Send what no gate lets through: broken events, and one from a stranger."""
        for sample in hostile("cm-events"):
            if sample.reason in _BROKEN:
                digest = sha256(sample.body).hexdigest()
                self.sent.append(Sent(digest, sample.body, sample.reason))
                self._send(self.sent[-1])
        stranger = self._make_event()
        stranger.expected = Reason.SOURCE_NOT_ALLOWED
        self._send(stranger, _STRANGER)

    def kill_in_the_middle(self, gates: Mapping[str, RunningGate]) -> None:
        """Kill the gate that an event is under way in, which is then sent again, as CM.com does."""
        event = self._make_event()
        self._held = event.body
        sender = Thread(target=self._send, args=(event,))
        sender.start()
        digest = sha256(event.body).hexdigest()
        until = time.monotonic() + _PATIENCE
        while not self.killed and time.monotonic() < until:
            time.sleep(0.01)
            for name in GATES:
                if digest in self._ledger(name).read_text():
                    self.killed = name
        gates[self.killed or GATES[0]].process.kill()
        sender.join()
        self._held = b""
        self._free.set()
        self._send(event)

    def hold(self, body: bytes) -> None:
        """Keep the endpoint from answering one event until its gate was killed."""
        if body == self._held:
            self._free.wait(_PATIENCE)

    def wait_until_shipped(self) -> None:
        """Wait until the store has all that the ledgers have."""
        until = time.monotonic() + _PATIENCE
        for name in GATES:
            store = Store.connect((self.folder / f"{name}.dsn").read_text().strip())
            waiting = Waiting(self._ledger(name))
            for _ in waiting.read(store):
                pass
            while waiting.left(store) and time.monotonic() < until:
                time.sleep(0.1)
            store.close()

    @property
    def over_all(self) -> list[str]:
        """The options that name the ledgers of all gates."""
        return ["--fleet", "--dsn-file", self.admin.name]

    def ask(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command as a person would, in the folder of the demo."""
        return subprocess.run(
            [sys.executable, "-m", "hookgate_cli", *arguments],
            env=clean_environment(os.environ),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def fates(self) -> dict[str, dict[str, Any]]:
        """Ask the ledgers of all gates what became of each event, by its name."""
        names = self.folder / "sent.txt"
        # Of a stranger's event no gate reads the body.
        asked = [one.name for one in self.sent if one.expected is not Reason.SOURCE_NOT_ALLOWED]
        names.write_text("\n".join(asked) + "\n")
        done = self.ask("audit", "fate", "--json", "--file", names.name, *self.over_all)
        stories = (json.loads(line) for line in done.stdout.splitlines())
        return {story["asked"]: story for story in stories if "asked" in story}

    def _ledger(self, name: str) -> Path:
        return self.folder / name / "audit.jsonl"

    def _make_event(self) -> Sent:
        name = f"00000000-0000-4000-8000-{len(self.sent):012}"
        body = json.dumps({**self._event, "reference": name}).encode()
        self.sent.append(Sent(name, body, Reason.CLEAN))
        return self.sent[-1]

    def _send(self, sent: Sent, source: str = _PROVIDER) -> None:
        answer = fire(Sample(sent.name, sent.expected, sent.body), self.url, source)
        sent.statuses.append(answer.status)


def _write_secret(file: Path, text: str) -> Path:
    file.touch(0o600)
    file.write_text(text + "\n")
    return file
