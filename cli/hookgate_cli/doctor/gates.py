"""The gates that run on this machine, and how each is restarted."""

import os
import shlex
from itertools import pairwise
from pathlib import Path

from hookgate.config.layers import DEFAULT_FILE
from hookgate.config.redaction import redact_url
from hookgate.paths import is_file

from .listening import Listener
from .scene import Scene
from .unit_files import GATE

_VERBS = frozenset(("serve", "mitmdump"))
_VARIABLE = "HOOKGATE_CONFIG="
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


def running() -> list[tuple[str, str]]:
    """Name the gates that run, with the command of each as far as it may be shown, and its file:
    "" where that is not seen, or there is none.
    """
    pids = [int(process.name) for process in Path("/proc").iterdir() if process.name.isdigit()]
    mains = [pid for pid in pids if _is_gate(_words(pid)) and _main(pid) == pid]
    return [(_shown(pid), config_of(pid) or "") for pid in sorted(mains)[:_MOST]]


def other_gate(scene: Scene, listener: Listener) -> str:
    """Name the gate that listens if it goes by another file than the one looked at; else "".

    What cannot be seen of it is taken for the same.
    """
    if listener.pid is None or scene.file is None:
        return ""
    main = _main(listener.pid)
    file = config_of(main)
    if file is None or (file and _is_same(main, file, scene.file)):
        return ""
    return _shown(main)


def config_of(pid: int) -> str | None:
    """Return the configuration file of a gate, "" for one without; None where it is not seen."""
    words, place = _words(pid), Path(f"/proc/{pid}")
    if not _is_gate(words):
        return None
    given = ""
    for word, value in zip(words, [*words[1:], ""], strict=True):
        if word in ("-c", "--config"):
            given = value
        elif word.startswith("--config="):
            given = word.partition("=")[2]
    try:
        folder = (place / "cwd").readlink()
        variables = os.fsdecode((place / "environ").read_bytes()).split("\0")
        named = next((v.partition("=")[2] for v in variables if v.startswith(_VARIABLE)), "")
        if not given and not named and not is_file(place / "cwd" / DEFAULT_FILE):
            return ""
    except OSError:
        return None
    return os.path.normpath(folder / (given or named or DEFAULT_FILE))


def _is_same(pid: int, theirs: str, ours: str) -> bool:
    """Tell whether a file of a process, which may be in a container, is this one."""
    try:
        return theirs == ours or Path(f"/proc/{pid}/root{theirs}").samefile(ours)
    except OSError:
        return False


def _shown(pid: int) -> str:
    shown = shlex.join(redact_url(word) if "://" in word else word for word in _words(pid))
    return f"process {pid} ({shown})"


def _begun_by_hand(scene: Scene, gate: Listener | None) -> int | None:
    """The process of a gate that no unit began, 0 where it is not known; None of a unit's."""
    if gate is None or gate.pid is None:
        return None if scene.has_unit(GATE) else 0
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
