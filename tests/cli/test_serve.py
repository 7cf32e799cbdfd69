"""`hookgate serve` as a command: its exit statuses, and a gate that only observes."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from hookgate.policy import OBSERVABLE
from support import forked
from support.events import CLEAN, event
from support.raw import ask, post
from support.receiver import receiving
from support.sidecar import FOREIGN, sidecar


def start(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """A start that fails."""
    return forked.run(["serve", *options], folder)


def test_a_mistake_in_the_configuration_exits_with_2(tmp_path: Path) -> None:
    """Nothing but a person can mend it: an init system need not try again."""
    (tmp_path / "hookgate.toml").write_text("[upstream]\nurl = 'ftp://x'\n[sidecar]\nworker = 2\n")
    failed = start(tmp_path)
    assert failed.returncode == 2
    assert [line.split(": ")[0] for line in failed.stderr.splitlines()] == ["hookgate"] * 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_upstream_that_is_the_gate_itself_exits_with_2(workers: str, tmp_path: Path) -> None:
    """One event would go round until every connection is taken; `config check` says the same."""
    (tmp_path / "hookgate.toml").write_text(
        f'[sidecar]\nworkers = {workers}\nlisten = ":8081"\n'
        '[upstream]\nurl = "http://localhost:8081"\n'
    )
    failed = start(tmp_path)
    assert failed.returncode == 2
    assert failed.stderr.startswith('hookgate: upstream.url = "http://localhost:8081" is where')
    checked = forked.run(["config", "check"], tmp_path)
    assert (checked.returncode, checked.stderr) == (2, failed.stderr)


def test_an_option_that_is_none_exits_with_2(tmp_path: Path) -> None:
    """A unit file with a misspelt option is a mistake as well."""
    assert start(tmp_path, "--obsrve").returncode == 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_address_in_use_exits_with_1(workers: str, tmp_path: Path) -> None:
    """It may be free a moment later: an init system does well to try again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "hookgate.toml").write_text(f"[sidecar]\nworkers = {workers}\n")
        failed = start(tmp_path, "--upstream", "http://127.0.0.1:1", "--listen", address)
    assert failed.returncode == 1
    assert f"sidecar.listen = {address}" in failed.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_ledger_that_cannot_be_opened_exits_with_1(workers: str, tmp_path: Path) -> None:
    """Its disk may be mounted a moment later."""
    (tmp_path / "hookgate.toml").write_text(f"[sidecar]\nworkers = {workers}\n")
    options = ("--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0")
    failed = start(tmp_path, *options, "--audit", "missing/audit.jsonl")
    assert failed.returncode == 1
    assert "audit.path" in failed.stderr
    assert "Traceback" not in failed.stderr


REFUSABLE = {
    "method": (post(CLEAN).replace(b"POST", b"PUT"), "method_not_allowed"),
    "media type": (post(CLEAN).replace(b"/json", b"/xml"), "content_type_unsupported"),
    "document": (post(b"not json"), "malformed_json"),
    "contract": (post(event(channel=...)), "contract_violation"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSABLE)
def test_an_observing_gate_forwards_what_it_would_refuse(name: str, tmp_path: Path) -> None:
    """It is answered and forwarded like a clean one, and its record says what was found."""
    request, reason = REFUSABLE[name]
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, options="--observe") as gate,
    ):
        assert ask(gate.port, request).status == 200
        (record,) = gate.wait_for_deliveries(1)
    assert (record["outcome"], record["observed"]) == ("delivered", [reason])
    assert len(upstream.seen) == 1


def test_an_observing_gate_still_refuses_strangers_and_what_cannot_be_forwarded(
    tmp_path: Path,
) -> None:
    """Source, HTTP, content encoding and size are no matter of taste."""
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, options="--observe") as gate,
    ):
        assert ask(gate.port, post(CLEAN), FOREIGN).status == 403
        assert ask(gate.port, post(CLEAN, b"/", b"Content-Encoding: gzip")).status == 415
        assert ask(gate.port, post(CLEAN).replace(b"Host: gate\r\n", b"")).status == 400
    assert upstream.seen == []


def test_the_option_wins_over_the_file_and_outlives_a_reload(tmp_path: Path) -> None:
    """What the file enforces is observed for as long as this process runs."""
    (tmp_path / "hookgate.toml").write_text('[checks]\ncontract = "enforce"\n')
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, options="--observe") as gate,
    ):
        assert ask(gate.port, post(b"{}")).status == 200
        gate.process.send_signal(signal.SIGHUP)
        gate.wait_for_log("gate.reload_applied")
        assert ask(gate.port, post(b"{}")).status == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_observing_is_said_at_the_start_and_again_and_again(workers: str, tmp_path: Path) -> None:
    """A warning that names the checks, once for all workers."""
    often = "import hookgate_sidecar.observing as r; r._EVERY_SECONDS = 0.2"
    keys = {"sidecar.workers": workers}
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, patch=often, options="--observe", **keys) as gate,
    ):
        for _ in range(2):
            said = gate.wait_for_log("sidecar.observing")
            assert (said["level"], said["checks"]) == ("warning", list(OBSERVABLE))
            assert "worker" not in said


def test_a_single_check_that_only_observes_is_said_as_well(tmp_path: Path) -> None:
    """However it came about."""
    keys = {"checks.route": "observe"}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        assert gate.wait_for_log("sidecar.observing")["checks"] == ["route"]


def test_an_enforcing_gate_says_nothing_of_it(tmp_path: Path) -> None:
    """Silence means that everything is enforced."""
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
        assert "observing" not in gate.log.whole()
