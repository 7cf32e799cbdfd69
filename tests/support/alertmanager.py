"""Prometheus' Alertmanager, started for a test."""

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from .ports import free_ports

_NAMES = ("prometheus-alertmanager", "alertmanager")
# Debian's reads its templates from there, whatever it is told.
_SHARE = Path("/usr/share")
_TEMPLATES = "prometheus/alertmanager/default.tmpl"
_CONFIG = """\
route: {receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}
receivers: [{name: hook, webhook_configs: [{url: "%s"}]}]
"""


def _command() -> list[str]:
    """How it is run: one that is installed, or the one that `make test` unpacks beside this Python,
    which sees the templates of its package in a mount namespace. Skips where neither can be.
    """
    beside = Path(sys.executable).parent
    for name in _NAMES:
        if (found := shutil.which(name)) and (name != _NAMES[0] or (_SHARE / _TEMPLATES).exists()):
            return [found]
    unpacked, share = beside / _NAMES[0], beside.parent / "share"
    if unpacked.exists() and (share / _TEMPLATES).exists() and shutil.which("unshare"):
        mount = f'mount --bind "$0" {_SHARE} && exec "$@"'
        under = ["unshare", "--mount", "sh", "-c", mount, str(share)]
        if subprocess.run([*under, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return [*under, str(unpacked)]
        pytest.skip("no mount namespace, so no unpacked Alertmanager")
    pytest.skip("Alertmanager is not here: make alertmanager-here, or: "
                "apt-get install prometheus-alertmanager")  # fmt: skip


class Alertmanager:
    """One that runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    def alerts(self, **query: str) -> list[dict[str, Any]]:
        """What it shows as active now."""
        answer = requests.get(f"{self.url}/api/v2/alerts", params=query, timeout=30)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found


@contextlib.contextmanager
def alertmanager(folder: Path, hook: str) -> Iterator[Alertmanager]:
    """Run one that tells `hook`, an URL, of each alert and of its end. Skips where it is not."""
    command = _command()
    config = folder / "alertmanager.yml"
    config.write_text(_CONFIG % hook)
    (port,) = free_ports(1)
    at = f"127.0.0.1:{port}"
    with (folder / "alertmanager.log").open("w") as log:
        process = subprocess.Popen(
            [*command, f"--config.file={config}", f"--storage.path={folder / 'data'}",
             f"--web.listen-address={at}", "--cluster.listen-address="],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(f"http://{at}/-/ready", process, folder / "alertmanager.log")
        yield Alertmanager(f"http://{at}")
    finally:
        process.terminate()
        process.wait(30)


def _wait(ready: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(requests.RequestException):
            if requests.get(ready, timeout=5).ok:
                return
        time.sleep(0.02)
    raise AssertionError("it never became ready")
