"""The story of `hookgate demo` that takes a contract which is too narrow, and the quarantine."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import requests
from rich.text import Text

from hookgate.policy import Reason
from hookgate.quarantine.encryption import make_identity

from .common import out
from .demo_tables import KeptRow, show_kept
from .firing import fire
from .gate_process import RunningGate, clean_environment, running_gate
from .quarantine.opening import VARIABLE
from .receiver import Receiver
from .samples import Sample, base
from .terminal import printable, to_json

_PATH = "/cm/events"
_IDENTITY = "quarantine.key"
# In the gate's folder, where hookgate.toml is.
REPLAY = ("quarantine", "replay", "--yes", "--reason", "the contract is mended")
_RELOAD_SECONDS = 20


def show_quarantine(verb: str, receiver: Receiver, folder: Path, allowed: str) -> bool:
    """Have events refused, kept, and sent on once the contract was mended; show how each ended.

    `allowed` is the address that they come from. Returns whether all ended as they should; where
    the package that encrypts is not installed it says so, and returns True.
    """
    if find_spec("pyrage") is None:
        out.print("\nThe quarantine is left out: pip install 'hookgate[quarantine]'")
        return True
    story = _Story(folder, receiver, allowed)
    try:
        rows = _play(story, verb, receiver, allowed)
    except (OSError, requests.RequestException) as error:
        out.print(f"the quarantine: {type(error).__name__}: {printable(error)}")
        return False
    out.print(Text("\na contract that is too narrow, mended; what it refused was kept", "bold"))
    show_kept(rows)
    out.print(f"Sent on by: hookgate {shlex.join(REPLAY)}", soft_wrap=True)
    return all(row.ok for row in rows)


def _play(story: "_Story", verb: str, receiver: Receiver, allowed: str) -> list[KeptRow]:
    with ExitStack() as stack:
        gate = stack.enter_context(running_gate(verb, receiver.url, story.audit, allowed))
        rows = [story.send(gate, number, Reason.CONTRACT_VIOLATION) for number in (1, 2, 3)]
        story.write_contract(takes_others=True)
        if verb == "serve":
            gate.reload()
            story.wait_for_reload()
        else:  # mitmdump ends where others reload
            stack.close()
            gate = stack.enter_context(running_gate(verb, receiver.url, story.audit, allowed))
        rows.append(story.send(gate, 4, Reason.CLEAN))
        story.replay()
    ends = story.fates(row.reference for row in rows)
    for row in rows:
        row.end = ends.get(row.reference, "not known")
        row.seen = receiver.bodies.count(row.body)
    return rows


class _Story:
    """The folder of a gate with a quarantine; `audit` is its ledger."""

    def __init__(self, folder: Path, receiver: Receiver, allowed: str) -> None:
        folder.mkdir()
        self._folder = folder
        self._receiver = receiver
        self._allowed = allowed
        self.audit = folder / "audit.jsonl"
        self._event = json.loads(base("cm-events"))
        identity, public = make_identity()
        file = folder / _IDENTITY
        file.touch(0o600)
        file.write_text(identity)
        self.write_contract(takes_others=False)
        (folder / "hookgate.toml").write_text(
            f"[upstream]\nurl = {to_json(receiver.url)}\n"
            f'[source]\nallow = [{to_json(allowed)}, "cm.com"]\n'
            f"[audit]\npath = {to_json(str(self.audit))}\n"
            f"[quarantine]\npath = {to_json(str(folder / 'quarantine'))}\n"
            f"recipients = [{to_json(public)}]\n"
            f"[[route]]\npath = {to_json(_PATH)}\ncontract = {to_json(str(self._contract))}\n"
        )

    @property
    def _contract(self) -> Path:
        return self._folder / "contract.json"

    def write_contract(self, *, takes_others: bool) -> None:
        """Write a contract of the documented members, which takes other members or does not."""
        known: dict[str, Any] = {name: {} for name in self._event}
        schema = {"type": "object", "properties": known, "additionalProperties": takes_others}
        self._contract.write_text(json.dumps(schema))

    def send(self, gate: RunningGate, number: int, expected: Reason) -> KeptRow:
        """Send an event with a member that is new, and return what became of it so far."""
        reference = f"00000000-0000-4000-8000-{number:012}"
        body = json.dumps({**self._event, "reference": reference, "priority": number}).encode()
        answer = fire(
            Sample(reference, expected, body), f"http://127.0.0.1:{gate.port}{_PATH}", self._allowed
        )
        record = self._lines("delivery")[-1]
        return KeptRow(reference, body, expected, answer.status, record["reason"], "kept" in record)

    def wait_for_reload(self) -> None:
        """Wait until the gate goes by the contract as it is now; 20 seconds at most."""
        until = time.monotonic() + _RELOAD_SECONDS
        while not self._lines("reload") and time.monotonic() < until:
            time.sleep(0.02)

    def _lines(self, kind: str) -> list[dict[str, Any]]:
        text = self.audit.read_text()
        lines = text[: text.rfind("\n") + 1].splitlines()
        return [record for line in lines if (record := json.loads(line))["event"] == kind]

    def replay(self) -> None:
        """Send on what is kept; print what the command says where it fails."""
        done = self._run(*REPLAY)
        if done.returncode:
            out.print(done.stdout + done.stderr, soft_wrap=True)

    def fates(self, references: Iterable[str]) -> dict[str, str]:
        """Ask the ledgers what became of each event of these names."""
        done = self._run("audit", "fate", "--json", *references)
        stories = map(json.loads, done.stdout.splitlines())
        return {story["asked"]: _in_words(story) for story in stories if "asked" in story}

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "hookgate_cli", *arguments],
            env={**clean_environment(os.environ), VARIABLE: _IDENTITY},
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )


def _in_words(story: dict[str, Any]) -> str:
    fate: str = story["fate"]
    attempts = [attempt for event in story["events"] for attempt in event["attempts"]]
    again = [each for each in attempts if each["fate"] == fate and each.get("replay_of")]
    return f"{fate} by a replay" if again else fate
