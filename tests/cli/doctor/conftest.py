"""A set-up with nothing wrong, and the doctor that looks at it."""

import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

from support.calling import Call
from support.doctor import SetUp, set_clock
from support.receiver import Receiver, receiving
from support.sidecar import HOOKGATE

# What is installed stays as it is, and is long to read.
_version = cache(version)


@pytest.fixture
def setup(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SetUp]:
    """In a folder that other users may enter."""
    monkeypatch.setattr("sys.argv", [HOOKGATE])
    monkeypatch.setattr("hookgate_cli.doctor.software.version", _version)
    for wait in ("_LINGER_SECONDS", "_HELLO_SECONDS"):  # an endpoint that waits is on loopback
        monkeypatch.setattr(f"hookgate_cli.doctor.endpoint.{wait}", 0.1)
    monkeypatch.setattr("hookgate_cli.offering._RUNNING", tmp_path)  # as where systemd runs
    folder = Path(tempfile.mkdtemp(prefix="hookgate-doctor-"))
    folder.chmod(0o755)
    yield SetUp(folder, call)
    shutil.rmtree(folder)


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    """An endpoint that tells the right time."""
    with receiving() as receiver:
        set_clock(receiver, 0)
        yield receiver
