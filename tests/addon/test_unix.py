"""Unix sockets and the addon: its endpoint's is taken, one to listen on is not; every address."""

import shlex
import subprocess
from pathlib import Path

from support.events import CLEAN
from support.mitmdump import environment, running_mitmdump
from support.raw import ask, post
from support.receiver import receiving
from support.sidecar import HOOKGATE


def test_the_endpoint_may_be_behind_one(tmp_path: Path) -> None:
    """Byte for byte, as with the sidecar."""
    with receiving(path=tmp_path / "app.sock") as upstream:
        keys = {"upstream.url": upstream.url}
        with running_mitmdump(tmp_path, **keys) as running:
            for _ in range(2):
                assert ask(running.port, post(CLEAN)).status == 200
        assert [seen.body for seen in upstream.seen] == [CLEAN] * 2
        assert running.upstream.seen == []


def command(folder: Path, listen: str) -> "subprocess.CompletedProcess[str]":
    keys = {"source.trusted_proxies": "unix", "sidecar.listen": listen}
    return subprocess.run(
        [HOOKGATE, "mitmdump", "--upstream", "http://127.0.0.1:9", "--print"],
        env={**environment(keys), "HOME": str(folder)},
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_mitmproxy_listens_on_none(tmp_path: Path) -> None:
    """Exit 2, with what to give instead."""
    done = command(tmp_path, "unix:/run/hookgate.sock")
    assert done.returncode == 2
    assert "mitmproxy listens on TCP alone; give --listen HOST:PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_address_is_mitmproxy_s_every_address(tmp_path: Path) -> None:
    """Which is both families, as of the sidecar."""
    words = shlex.split(command(tmp_path, ":8081").stdout)
    assert words[words.index("--listen-host") + 1] == ""
