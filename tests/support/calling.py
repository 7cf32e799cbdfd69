"""Calling the command inside the test's own process, and what a call gives back."""

import json
from collections.abc import Callable
from dataclasses import dataclass
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


def caller(capsys: pytest.CaptureFixture[str]) -> Call:
    """What runs `hookgate ARGUMENTS`."""

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as exit_info:
            main(list(arguments))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(int(exit_info.value.code or 0), captured.out, captured.err)

    return run
