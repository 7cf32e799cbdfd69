"""The gates that run on this machine, and how each is restarted."""

import os
import shlex
from itertools import pairwise
from pathlib import Path

from hookgate.config.redaction import redact_url

from .listening import Listener
from .scene import Scene
from .unit_files import GATE

_VERBS = frozenset(("serve", "mitmdump"))
_MOST = 4


def restart(scene: Scene, gate: Listener | None) -> tuple[str, ...]:
    """Say how the gate is restarted, and the commands that do it."""
    pid = _begun_by_hand(scene, gate)
    if pid:
        return (
            f"process {pid} was not started by systemd: end it, and start it as it was started:",
            f"kill {pid}",
        )
    if pid is None:
        return "restart it:", "systemctl restart hookgate"
    return ("restart it as it was started",)


def reload(scene: Scene, gate: Listener | None) -> tuple[str, ...]:
    """Say how the gate reads its configuration anew, and the command that has it do so."""
    says = "reload it (its log says what needs a restart):"
    if gate is not None and gate.pid:
        return says, f"kill -HUP {_main(gate.pid)}"
    if _begun_by_hand(scene, gate) is None:
        return says, "systemctl reload hookgate"
    return ("send it SIGHUP (its log says what needs a restart)",)


def running() -> list[str]:
    """Name the gates that run, with the command of each as far as it may be shown."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _is_gate(words := _words(int(process.name))):
            shown = shlex.join(redact_url(word) if "://" in word else word for word in words)
            if not _is_gate(_words(_parent(int(process.name)))):
                found.append(f"process {process.name} ({shown})")
    return sorted(found)[:_MOST]


def _begun_by_hand(scene: Scene, gate: Listener | None) -> int | None:
    """The process of a gate that no unit began, 0 where it is not known; None of a unit's."""
    if gate is None or gate.pid is None:
        return None if (scene.units / GATE).is_file() else 0
    try:
        groups = Path(f"/proc/{gate.pid}/cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return None if f"/{GATE}" in groups else _main(gate.pid)


def _main(pid: int) -> int:
    """The supervisor of a worker; a process that has none is its own."""
    while _is_gate(_words(parent := _parent(pid))):
        pid = parent
    return pid


def _parent(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(status.rpartition(")")[2].split()[1])


def _words(pid: int) -> list[str]:
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")[:-1]
    except OSError:
        return []


def _is_gate(words: list[str]) -> bool:
    first = pairwise(words[:4])  # a Python, or a tool that starts programs, may stand before
    return any(Path(program).name == "hookgate" and verb in _VERBS for program, verb in first)
