"""Calling the command as a person would, with its own working directory."""

import time
from pathlib import Path

import pytest

from support.calling import Call, caller


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Run `hookgate ARGUMENTS` in an empty folder, without HOOKGATE_ variables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for name in ("HOOKGATE_CONFIG", "HOOKGATE_UPSTREAM__URL"):
        monkeypatch.delenv(name, raising=False)
    return caller(capsys)
