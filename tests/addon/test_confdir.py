"""`hookgate mitmdump` where mitmproxy's own folder, in the home, cannot be written."""

import os
import shlex
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from support.calling import caller
from support.events import CLEAN
from support.mitmdump import environment
from support.ports import free_ports
from support.raw import ask, connected, post, wait_until
from support.receiver import receiving
from support.sidecar import ALLOWED, HOOKGATE

# Where root cannot make a folder either.
NOT_WRITABLE = ["/proc", "/proc/self/nowhere", "/nonexistent/home"]


def variables(home: str, temporary: Path) -> dict[str, str]:
    given = {**environment({"source.allow": ALLOWED}), "HOME": home, "TMPDIR": str(temporary)}
    return {**given, "HOOKGATE_AUDIT__PATH": str(temporary.parent / "audit.jsonl")}


def confdir(command: str) -> Path | None:
    """The folder that a printed command names."""
    words = shlex.split(command)
    named = [word.partition("=")[2] for word in words if word.startswith("confdir=")]
    return Path(named[0]) if named else None


Printed = Callable[[str, Path], str]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Printed:
    """What `--print` prints with this home and this folder for temporary files, in this process."""

    def run(home: str, temporary: Path) -> str:
        for name, value in variables(home, temporary).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.chdir(temporary)
        said = caller(capsys)("mitmdump", "--upstream", "http://127.0.0.1:9", "--print")
        assert (said.status, said.err) == (0, "")
        return said.out

    return run


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def test_it_starts_with_a_folder_of_its_own(temporary: Path) -> None:
    """An event is delivered, and mitmproxy's key is in nobody else's reach."""
    (port,) = free_ports(1)
    with receiving() as upstream:
        command = [
            HOOKGATE,
            "mitmdump",
            "--upstream",
            upstream.url,
            "--listen",
            f"127.0.0.1:{port}",
        ]
        with subprocess.Popen(
            command,
            env=variables("/proc", temporary),
            cwd=temporary,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                assert wait_until(lambda: is_up(port) or process.poll() is not None)
                if process.poll() is None:
                    assert ask(port, post(CLEAN)).status == 200
            finally:
                process.send_signal(signal.SIGTERM)
                output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        assert "Traceback" not in output
        assert [seen.body for seen in upstream.seen] == [CLEAN]
    (own,) = temporary.iterdir()
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert (own / "mitmproxy-ca.pem").exists()


def is_up(port: int) -> bool:
    try:
        with connected(port):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("home", NOT_WRITABLE)
def test_it_is_the_same_folder_after_a_restart(
    temporary: Path, printed: Printed, home: str
) -> None:
    """None is left behind by each start."""
    first = confdir(printed(home, temporary))
    assert first is not None
    assert first.parent == temporary
    assert confdir(printed(home, temporary)) == first


@pytest.mark.parametrize("made", ["by all", "link", "file"])
def test_one_that_somebody_else_could_have_made_is_not_used(
    temporary: Path, printed: Printed, made: str
) -> None:
    """The name can be guessed: another folder is taken, with a name that cannot."""
    guessed = temporary / f"hookgate-mitmproxy-{os.getuid()}"
    if made == "by all":
        guessed.mkdir()
        guessed.chmod(0o777)
    elif made == "link":
        guessed.symlink_to(temporary)
    else:
        guessed.write_text("")
    own = confdir(printed("/proc", temporary))
    assert own is not None
    assert own != guessed
    assert stat.S_IMODE(own.stat().st_mode) == 0o700


def test_a_home_that_can_be_written_is_used_as_ever(
    temporary: Path, printed: Printed, tmp_path: Path
) -> None:
    """Nothing is left there by the look."""
    home = tmp_path / "home"
    home.mkdir()
    assert confdir(printed(str(home), temporary)) is None
    assert list(home.iterdir()) == list(temporary.iterdir()) == []
