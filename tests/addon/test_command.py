"""`hookgate mitmdump` prints a command that runs, and runs it."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.events import CLEAN
from support.ledger import assert_balanced, read_ledger
from support.mitmdump import MITMDUMP, environment
from support.ports import free_ports
from support.raw import ask, connected, post, wait_until
from support.receiver import receiving
from support.sidecar import ALLOWED

HOOKGATE = str(Path(sys.executable).with_name("hookgate"))


def is_up(port: int) -> bool:
    try:
        with connected(port):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("printed", [True, False], ids=["printed", "run"])
def test_the_command_runs(tmp_path: Path, printed: bool) -> None:
    """With a configuration file, options of its own, and names with spaces."""
    (port,), audit = free_ports(1), tmp_path / "the audit.jsonl"
    config = tmp_path / "my gate.toml"
    with receiving() as upstream:
        config.write_text(
            f'[upstream]\nurl = "http://127.0.0.1:1"\n[source]\nallow = ["{ALLOWED}"]\n'
            f'[request]\nmax_body = "2KiB"\n[sidecar]\nlisten = "127.0.0.1:{port}"\n'
        )
        arguments = ["--config", str(config), "--upstream", upstream.url, "--audit", str(audit)]
        command = [HOOKGATE, "mitmdump", *arguments]
        home = {**environment({}), "HOME": str(tmp_path)}
        if printed:
            shown = subprocess.run(
                [*command, "--print"], env=home, cwd=tmp_path, capture_output=True, text=True
            )
            assert shown.returncode == 0
            assert not audit.exists()
            command = shlex.split(shown.stdout)
            assert command[0] == "mitmdump"
            home["PATH"] = os.pathsep.join([str(Path(MITMDUMP).parent), home.get("PATH", "")])
        with subprocess.Popen(
            command,
            env=home,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                assert wait_until(lambda: is_up(port))
                assert ask(port, post(CLEAN)).status == 200
                assert ask(port, post(b" " * 2049)).status == 413
            finally:
                process.send_signal(signal.SIGTERM)
                output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        assert len(upstream.seen) == 1
        assert assert_balanced(audit) == {"delivered": 1, "refused": 1}
        assert {r["front"] for r in read_ledger(audit) if "front" in r} == {"addon"}


def test_without_an_upstream_it_runs_nothing(tmp_path: Path) -> None:
    """A bad configuration is exit status 2, as for every verb."""
    result = subprocess.run(
        [HOOKGATE, "mitmdump"], env=environment({}), cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert "upstream.url" in result.stderr
    assert "Traceback" not in result.stderr
