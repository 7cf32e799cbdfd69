"""Calling the command as a person would, with its own working directory."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hookgate_cli.main import main


@dataclass(frozen=True)
class Result:
    """What a call printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Result]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Run `hookgate ARGUMENTS` in an empty folder, without HOOKGATE_ variables."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOOKGATE_CONFIG", "HOOKGATE_UPSTREAM__URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as exit_info:
            main(list(arguments))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(int(exit_info.value.code or 0), captured.out, captured.err)

    return run
