"""What a running gate does when something else than a file is put where its ledger was."""

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from hookgate_cli.main import main
from support.admin import ON, Admin
from support.events import CLEAN
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.sidecar import sidecar


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "socket"])
def test_nothing_is_written_through_it_until_it_is_gone(tmp_path: Path, kind: str) -> None:
    """503 meanwhile, at once, with the reason in the log; then it goes on by itself."""
    other = tmp_path / "other"
    other.write_text("theirs\n")
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **ON) as gate:
        admin = Admin(gate)
        assert ask(gate.port, post(CLEAN)).status == 200
        gate.audit.rename(tmp_path / "rotated")
        match kind:
            case "link":
                gate.audit.symlink_to(other)
            case "fifo":
                os.mkfifo(gate.audit)
            case "folder":
                gate.audit.mkdir()
            case _:
                with socket.socket(socket.AF_UNIX) as listener:
                    listener.bind(str(gate.audit))
        gate.process.send_signal(signal.SIGUSR1)
        assert wait_until(lambda: admin.ready()[0] == 503)
        assert ask(gate.port, post(CLEAN)).status == 503
        assert other.read_text() == "theirs\n"
        said = gate.wait_for_log("ledger.unavailable")
        assert 'audit.path = "' in json.dumps(said, ensure_ascii=False).replace('\\"', '"')
        if kind == "folder":
            gate.audit.rmdir()
        else:
            gate.audit.unlink()
        assert wait_until(lambda: admin.ready()[0] == 200)
        assert ask(gate.port, post(CLEAN)).status == 200
        assert len(upstream.seen) == 2


SECRET = "hunter2secret"
URL = f"http://user:{SECRET}@127.0.0.1:8080"


def test_a_password_in_a_reload_shows_nowhere(tmp_path: Path) -> None:
    """Neither in the ledger's `reload` line nor in the log; and what ran goes on."""
    file = tmp_path / "hookgate.toml"
    options = f"--config {file}"
    from_file = "import os\ndel os.environ['HOOKGATE_UPSTREAM__URL']\n"
    with receiving() as upstream:
        file.write_text(f'[upstream]\nurl = "{upstream.url}"\n')
        with sidecar(upstream.url, tmp_path, patch=from_file, options=options) as gate:
            file.write_text(f'[upstream]\nurl = "{URL}"\n')
            gate.process.send_signal(signal.SIGHUP)
            gate.wait_for_log("gate.reload_refused")
            assert wait_until(lambda: bool(gate.records("reload")))
            (record,) = gate.records("reload")
            assert "has a user or a password" in record["errors"][0]
            assert ask(gate.port, post(CLEAN)).status == 200
            gate.stop()
            assert SECRET not in gate.audit.read_text() + gate.log.whole()


@pytest.mark.parametrize(
    "words",
    [
        "serve --upstream URL", "config check", "config show", "config show --json",
        "mitmdump --upstream URL --print", "check event.json", "nginx render --out includes",
    ],
)  # fmt: skip
@pytest.mark.parametrize("origin", ["file", "environment"])
def test_a_password_shows_in_no_command_s_output(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    origin: str,
) -> None:
    """From the file, the environment or the command line; exit 2 with the reason."""
    monkeypatch.chdir(tmp_path)
    if origin == "file":
        (tmp_path / "hookgate.toml").write_text(f'[upstream]\nurl = "{URL}"\n')
    else:
        monkeypatch.setenv("HOOKGATE_UPSTREAM__URL", URL)
    (tmp_path / "event.json").write_text("{}")
    arguments = [{"URL": URL}.get(word, word) for word in words.split()]
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    captured = capsys.readouterr()
    assert exit_info.value.code == 2
    assert SECRET not in captured.out + captured.err
    assert "upstream.url = " in captured.err
    assert "***@127.0.0.1:8080" in captured.err
