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


@pytest.fixture
def without_chart_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out of a report what takes more than a second of a core to bundle."""
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda snippet: snippet)
