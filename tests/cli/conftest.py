"""Calling the command as a person would, with its own working directory."""

import time
from pathlib import Path

import pytest

from hookgate_cli.main import main
from support.calling import Call, Result


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

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as exit_info:
            main(list(arguments))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(int(exit_info.value.code or 0), captured.out, captured.err)

    return run
