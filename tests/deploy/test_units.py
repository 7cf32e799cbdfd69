"""The systemd units: what systemd says of them, and that each program lives within its limits."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hookgate.config.keys import KEYS
from support.events import CLEAN
from support.fleet import Chain, new_fleet
from support.lines import start, stop, write
from support.live import living
from support.process import children
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.sidecar import HOOKGATE, sidecar
from support.watcher import watching

DEPLOY = Path(__file__).parents[2] / "sidecar/deploy"
UNIT, WATCH = DEPLOY / "hookgate.service", DEPLOY / "hookgate-watch.service"
ANCHOR, TIMER = DEPLOY / "hookgate-anchor.service", DEPLOY / "hookgate-anchor.timer"
SHIP, LIVE = DEPLOY / "hookgate-ship.service", DEPLOY / "hookgate-live.service"
INSTALLED = "/opt/hookgate/bin/hookgate"

# prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN), since Linux 6.3, and what systemd sets otherwise by
# a filter; 22 (EINVAL) is an older kernel's answer.
REFUSE_EXEC_GAIN = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(65, 1, 0, 0, 0) != 0:
    sys.exit(77)
"""


def settings(name: str, unit: Path = UNIT) -> list[str]:
    """The values that a unit gives a setting, in order."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def systemd_analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run it, or skip where there is none."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze; apt-get install systemd")
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(params=[UNIT, WATCH, ANCHOR, SHIP, LIVE], ids=lambda unit: unit.stem)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A unit with the hookgate that is installed here."""
    unit = tmp_path / request.param.name
    unit.write_text(request.param.read_text().replace(INSTALLED, HOOKGATE))
    return str(unit)


def test_systemd_finds_nothing_to_say_about_the_unit(here: str) -> None:
    """Every setting is known and the command is there."""
    done = systemd_analyze("verify", here)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_finds_nothing_to_say_about_the_timer(tmp_path: Path) -> None:
    """Beside the service that it starts."""
    (tmp_path / ANCHOR.name).write_text(ANCHOR.read_text().replace(INSTALLED, HOOKGATE))
    timer = tmp_path / TIMER.name
    timer.write_bytes(TIMER.read_bytes())
    done = systemd_analyze("verify", str(timer))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_exposes_little(here: str) -> None:
    """At most 1.6 of 10, by systemd's own measure."""
    done = systemd_analyze("security", "--offline=true", "--threshold=16", "--no-pager", here)
    assert done.returncode == 0, done.stdout


def test_the_unit_waits_longer_than_a_drain() -> None:
    """systemd must not kill what still drains."""
    drain = next(key.default for key in KEYS if key.path == "sidecar.drain")
    (stop,) = settings("TimeoutStopSec")
    assert int(stop.removesuffix("s")) > int(drain.removesuffix("s"))


@pytest.mark.parametrize("unit", [SHIP, LIVE], ids=lambda unit: unit.stem)
def test_what_only_reads_is_hardened_as_the_gate_is(unit: Path) -> None:
    """What the gate may not, it may not either; it makes no folder, and only the shipper writes:
    beside the ledger, and to the quarantine.
    """
    text, own = UNIT.read_text(), unit.read_text()
    hardening = text[text.index("NoNewPrivileges") : text.index("[Install]")]
    assert hardening in own
    for name in ("LogsDirectory", "StateDirectory", "RuntimeDirectory"):
        assert settings(name, unit) == []
    kept = "-%S/hookgate/quarantine"
    writable = [*settings("WorkingDirectory", unit), kept] if unit == SHIP else []
    assert settings("ReadWritePaths", unit) == writable
    assert settings("RestartPreventExitStatus", unit) == ["2"]


def test_the_unit_does_not_retry_what_only_a_person_can_mend() -> None:
    """Exit status 2 is a mistake in the configuration; everything else is tried again."""
    for unit in (UNIT, WATCH):
        assert settings("RestartPreventExitStatus", unit) == ["2"]
        assert settings("Restart", unit) == ["on-failure"]


def test_no_memory_needs_to_become_executable(tmp_path: Path) -> None:
    """MemoryDenyWriteExecute= costs nothing: a whole delivery is judged, forwarded and recorded."""
    probe = [sys.executable, "-c", REFUSE_EXEC_GAIN]
    if subprocess.run(probe, check=False).returncode == 77:
        pytest.skip("this kernel has no PR_SET_MDWE; it came with Linux 6.3")
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, patch=REFUSE_EXEC_GAIN) as gate,
    ):
        assert ask(gate.port, post(CLEAN)).status == 200
        assert ask(gate.port, post(b"{}")).status == 422
        assert gate.stop() == 0


def allowed_calls(unit: Path = UNIT) -> set[str]:
    """The system calls that a unit's filters let through, all groups resolved."""
    groups = dict(
        re.findall(
            r"^(@\S+)\n((?:    .*\n)+)", systemd_analyze("syscall-filter").stdout, re.MULTILINE
        )
    )

    def resolve(name: str) -> set[str]:
        if not name.startswith("@"):
            return {name}
        members = re.findall(r"^    ([@\w-]+)$", groups[name], re.MULTILINE)
        return set().union(*map(resolve, members))

    allowed: set[str] = set()
    for value in settings("SystemCallFilter", unit):
        if value.startswith("~"):
            allowed -= resolve(value[1:])
        else:
            allowed |= resolve(value)
    # systemd lets these pass whatever the filter says.
    return allowed | resolve("@default")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_sidecar_makes_no_call_that_the_unit_forbids(workers: str, tmp_path: Path) -> None:
    """From its start over a delivery, a reload and a rotation to its end, as strace saw it."""
    if shutil.which("strace") is None:
        pytest.skip("no strace; apt-get install strace")
    allowed = allowed_calls()
    trace = tmp_path / "trace"
    keys = {"sidecar.workers": workers, "sidecar.admin": f"unix:{tmp_path}/admin.sock"}
    # -D: the sidecar is our child, and the tracer its grandchild.
    under = f"strace -D -f -q -o {trace} -e signal=none"
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, under=under, **keys) as gate,
    ):
        assert ask(gate.port, post(CLEAN)).status == 200
        gate.process.send_signal(signal.SIGHUP)
        gate.wait_for_log("gate.reload_applied")
        gate.process.send_signal(signal.SIGUSR1)
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
    ended = re.compile(rf"^{gate.process.pid} +\+\+\+ exited", re.MULTILINE)
    assert wait_until(lambda: ended.search(trace.read_text()) is not None)
    lines = trace.read_text()
    called = set(re.findall(r"^\d+ +(\w+)\(", lines, re.MULTILINE))
    assert {"accept4", "fdatasync"} <= called
    assert called <= allowed
    families = set(re.findall(r" socket(?:pair)?\((AF_\w+)", lines))
    assert {"AF_INET", "AF_UNIX"} <= families <= set(settings("RestrictAddressFamilies")[0].split())


def test_the_watcher_makes_no_call_that_its_unit_forbids(tmp_path: Path) -> None:
    """From its start over an alarm to its end, as strace saw it."""
    if shutil.which("strace") is None:
        pytest.skip("no strace; apt-get install strace")
    trace = tmp_path / "trace"
    write(tmp_path / "audit.jsonl", start(), stop(0))
    keys = {"audit.path": "audit.jsonl", "sidecar.admin": f"unix:{tmp_path}/none"}
    under = f"strace -D -f -q -o {trace} -e signal=none"
    with watching(tmp_path, under=under, **keys, **{"alarm.stopped": "0s"}) as watch:
        watch.wait("stopped")
        assert watch.end()[0] == 0
    ended = re.compile(rf"^{watch.process.pid} +\+\+\+ exited", re.MULTILINE)
    assert wait_until(lambda: ended.search(trace.read_text()) is not None)
    lines = trace.read_text()
    called = set(re.findall(r"^\d+ +(\w+)\(", lines, re.MULTILINE))
    assert {"connect", "fsync"} <= called
    assert called <= allowed_calls(WATCH)
    families = set(re.findall(r" socket(?:pair)?\((AF_\w+)", lines))
    assert families <= set(settings("RestrictAddressFamilies", WATCH)[0].split())


@pytest.mark.soak
def test_the_page_makes_no_call_that_its_unit_forbids(tmp_path: Path) -> None:
    """From its start over a reader to its end, as strace saw it."""
    if shutil.which("strace") is None:
        pytest.skip("no strace; apt-get install strace")
    trace = tmp_path / "trace"
    under = f"strace -D -f -q -o {trace} -e signal=none"
    with living(tmp_path, "--gate", "http://127.0.0.1:9", under=under) as live:
        with live.reading(live.log_in()) as states:
            states.head()
            states.until(lambda state: state["gates"][0]["answers"] is False)
        assert live.stop() == 0
    ended = re.compile(rf"^{live.process.pid} +\+\+\+ exited", re.MULTILINE)
    assert wait_until(lambda: ended.search(trace.read_text()) is not None)
    lines = trace.read_text()
    called = set(re.findall(r"^\d+ +(\w+)\(", lines, re.MULTILINE))
    assert {"accept4", "connect"} <= called
    assert called <= allowed_calls(LIVE)
    families = set(re.findall(r" socket(?:pair)?\((AF_\w+)", lines))
    assert families <= set(settings("RestrictAddressFamilies", LIVE)[0].split())


@pytest.mark.soak
def test_shipping_makes_no_call_that_the_unit_forbids(tmp_path: Path) -> None:
    """From its start over a segment and an outage to its end, as strace saw it."""
    if shutil.which("strace") is None:
        pytest.skip("no strace; apt-get install strace")
    trace, ledger = tmp_path / "trace", tmp_path / "audit.jsonl"
    with new_fleet() as fleet, fleet.through_proxy() as (proxy, dsn):
        Chain(ledger).add(3)
        (tmp_path / "gate.dsn").write_text(dsn)
        (tmp_path / "hookgate.toml").write_text(
            '[audit]\npath = "audit.jsonl"\n[fleet]\nname = "amsterdam"\ndsn_file = "gate.dsn"\n'
        )
        command = ["strace", "-f", "-q", "-o", str(trace), "-e", "signal=none", HOOKGATE, "ship"]
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(command, cwd=tmp_path, stderr=log)
        try:
            query = "SELECT next_n FROM hookgate.boot"
            assert wait_until(lambda: fleet.sql(query) == [(4,)], 60)
            proxy.break_off()
            Chain(ledger, "b2").add(2)
            assert wait_until(lambda: (4,) in fleet.sql(query) and (3,) in fleet.sql(query), 60)
            (pid,) = children(process.pid)
            os.kill(pid, signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
    lines = trace.read_text()
    assert set(re.findall(r"^\d+ +(\w+)\(", lines, re.MULTILINE)) <= allowed_calls(SHIP)
    families = set(re.findall(r" socket(?:pair)?\((AF_\w+)", lines))
    assert families <= set(settings("RestrictAddressFamilies", SHIP)[0].split())
