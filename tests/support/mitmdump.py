"""`mitmdump` with the addon as a real process, and a probe that looks inside it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hookgate.config.build import load
from hookgate_addon.startup import command_line

from . import forked
from .events import CLEAN
from .ledger import Record, assert_balanced, assert_chained, read_ledger
from .log import Log
from .pair import Traces
from .raw import ask, post
from .receiver import OK, Receiver, Seen, receiving
from .sidecar import ALLOWED, PROXY

MITMDUMP = str(Path(sys.executable).with_name("mitmdump"))
# What it is, and what the addon's script imports.
_DUMP = "mitmproxy.tools.main:mitmdump", "hookgate_addon"
# The one address that mitmproxy itself may ever try.
DEAD_END = "('127.0.0.1', 9)"
MITMPROXY = int(version("mitmproxy").partition(".")[0])
SCRIPT = (Path(__file__).parents[2] / "addon" / "hookgate_script.py").read_text()

# Another `-s` script: tells the port, counts mitmproxy's own upstream connections, and runs
# what it is handed at SIGUSR2 inside the process.
_PROBE = """
import asyncio, json, os, signal
from mitmproxy import ctx
from mitmproxy.addons import script
script.ReloadInterval = 0.1  # seconds between looks for a newer file; one by default
FOLDER = {folder!r}
opened = []
def put(name, value):
    with open(os.path.join(FOLDER, "new"), "w") as file:
        json.dump(value, file)
    os.replace(os.path.join(FOLDER, "new"), os.path.join(FOLDER, name))
def obey():
    scope = {{"ctx": ctx, "opened": opened, "result": None}}
    with open(os.path.join(FOLDER, "order")) as file:
        exec(file.read(), scope)
    put("result", scope["result"])
def running():
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, obey)
    put("port", [a[1] for a in ctx.master.addons.get("proxyserver").listen_addrs()][0])
def server_connect(data):
    opened.append(str(data.server.address))
"""


def environment(settings: dict[str, str]) -> dict[str, str]:
    """This process's environment with only these settings of ours in it."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}
    named = {"HOOKGATE_" + k.upper().replace(".", "__"): v for k, v in settings.items()}
    return {**plain, **named}


def full_command(
    script: Path, max_body: int, options: Mapping[str, str | None], *more: str
) -> list[str]:
    """mitmdump as `hookgate mitmdump` runs it, with some options changed, or left out for None."""
    command = [MITMDUMP, *command_line(max_body, ("127.0.0.1", 0), str(script))[1:]]
    for place in [i for i, part in enumerate(command) if part == "--set"][::-1]:
        if command[place + 1].partition("=")[0] in options:
            del command[place : place + 2]
    if "mode" in options:
        command[command.index("--mode") + 1] = options["mode"] or "regular"
    for name, value in options.items():
        if name == "mode":
            continue
        command += [] if value is None else ["--set", f"{name}={value}"]
    return [*command, *more]


def begin(
    command: list[str], environ: Mapping[str, str], folder: Path
) -> "forked.Forked | subprocess.Popen[str]":
    """Start mitmdump, or another of mitmproxy's, with one stream for all that it prints."""
    forks = Path(command[0]).name == "mitmdump"
    process = forked.start(command, environ, folder, _DUMP, one_stream=True) if forks else None
    return process or subprocess.Popen(
        command,
        env=environ,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Mitmdump:
    """A running mitmdump, of the same shape as `support.sidecar.Sidecar`.

    `keys` are `section.key` settings; `options` is a dict of mitmproxy's, None for its default.
    `patch` is Python that the script runs before it loads the addon. `script` is what `-s` was
    given; a test may edit or delete it.
    """

    def __init__(
        self,
        upstream: str,
        folder: Path,
        *,
        patch: str = "",
        options: Any = None,
        **keys: str,
    ) -> None:
        self.audit = Path(keys.get("audit.path", str(folder / "audit.jsonl")))
        self._folder = folder / "probe"
        self._folder.mkdir(exist_ok=True)
        for name in ("port", "result"):
            (self._folder / name).unlink(missing_ok=True)
        settings = {
            "upstream.url": upstream,
            "source.allow": f"{ALLOWED},cm.com",
            "source.trusted_proxies": PROXY,
            "audit.path": str(self.audit),
            "audit.personal_data": "plain",
            **keys,
        }
        self.script = folder / "gate_script.py"
        self.script.write_text(f"{patch}\n{SCRIPT}")
        probe = folder / "probe_script.py"
        probe.write_text(_PROBE.format(folder=str(self._folder)))
        max_body = load(os.devnull, settings, {}).request.max_body
        changed = {"confdir": str(folder / "mitmproxy"), **(options or {})}
        command = full_command(self.script, max_body, changed, "-s", str(probe))
        self.process = begin(command, environment(settings), folder)
        assert self.process.stdout is not None
        self.log = Log(self.process.stdout)
        self.port: int = self._wait_for("port", 60)

    def _wait_for(self, name: str, seconds: float) -> Any:
        until = time.monotonic() + seconds
        path = self._folder / name
        while not path.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise AssertionError(f"no {name} from mitmdump:\n{self.log}")
            time.sleep(0.01)
        return json.loads(path.read_text())

    def run_inside(self, code: str) -> Any:
        """Run Python in the process; `ctx` is mitmproxy's. Returns what it leaves in `result`."""
        (self._folder / "result").unlink(missing_ok=True)
        (self._folder / "order").write_text(code)
        self.process.send_signal(signal.SIGUSR2)
        return self._wait_for("result", 30)

    def log_by_now(self) -> str:
        """All that it printed before this: what stands in front of a mark that it prints now."""
        mark = f"by now: {time.monotonic_ns()}"
        self.run_inside(f"print({mark!r}, flush=True)")
        self.log.lines(mark)
        return str(self.log).partition(mark)[0]

    def opened(self) -> list[str]:
        """The addresses that mitmproxy itself tried to connect to."""
        found: list[str] = self.run_inside("result = opened")
        return found

    def records(self, kind: str | None = None) -> list[Record]:
        """The ledger's records, of one kind or of all."""
        return [r for r in read_ledger(self.audit, growing=True) if kind in (None, r["event"])]

    def wait_for_deliveries(self, count: int, seconds: float = 30) -> list[Record]:
        """The `delivery` records once there are `count`; fails when the time is up."""
        until = time.monotonic() + seconds
        while len(found := self.records("delivery")) < count:
            if time.monotonic() > until:
                raise AssertionError(f"{len(found)} deliveries, not {count}: {found}\n{self.log}")
            time.sleep(0.02)
        return found

    def stop(self, with_signal: int = signal.SIGTERM, seconds: float = 30) -> int:
        """SIGTERM, or another signal, wait, and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL: no `stop` record."""
        self.process.kill()
        self.process.wait(30)


@contextlib.contextmanager
def mitmdump(
    upstream: str,
    folder: Path,
    *,
    patch: str = "",
    options: Any = None,
    **keys: str,
) -> Iterator[Mitmdump]:
    running = Mitmdump(upstream, folder, patch=patch, options=options, **keys)
    try:
        yield running
    finally:
        running.stop()


@dataclass(frozen=True)
class Running:
    """A running mitmdump and its upstream."""

    gate: Mitmdump
    upstream: Receiver

    @property
    def port(self) -> int:
        return self.gate.port

    def traces(self) -> Traces:
        """Traces from now on."""
        return Traces(self.gate, self.upstream)

    def only_record(self, traces: Traces) -> Record:
        """The one record since; a clean event that follows must get the very next number."""
        traces.deliveries(1)
        assert self.gate.opened() == []
        assert ask(self.port, post(CLEAN)).status == 200
        record, clean = traces.deliveries(2)
        assert clean["reason"] == "clean"
        assert clean["seq"] == record["seq"] + 1
        return record


@contextlib.contextmanager
def running_mitmdump(
    folder: Path,
    respond: Callable[[Seen], bytes | None] = lambda _: OK,
    /,
    **keys: str,
) -> Iterator[Running]:
    """Both; where the test ends well, mitmdump must stop well and its ledger be whole."""
    with receiving(respond) as upstream, mitmdump(upstream.url, folder, **keys) as gate:
        yield Running(gate, upstream)
        assert set(gate.opened()) <= {DEAD_END}
        assert gate.stop() == 0
        assert_chained(gate.audit)
        assert_balanced(gate.audit)
        assert gate.records()[-1]["in_flight"] == 0
