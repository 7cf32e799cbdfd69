"""The checks are run at once, each for so long: what hangs keeps nobody waiting."""

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from .check import BlindError, Check, Finding
from .scene import Scene


class Result(NamedTuple):
    """What came of a check: its findings, and why it could not look, "" where it could."""

    check: Check
    findings: tuple[Finding, ...]
    blind: str = ""


class _Run:
    def __init__(self, check: Check, scene: Scene) -> None:
        self._check, self._scene = check, scene
        self._found: list[Finding] = []
        self._blind = ""
        self._thread = threading.Thread(target=self._look, name=check.name, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        try:
            for finding in self._check.look(self._scene):
                self._found.append(finding)
        except BlindError as error:
            self._blind = str(error)
        except OSError as error:
            self._blind = f"{error.filename or 'it'}: {error.strerror or type(error).__name__}"
        except Exception as error:  # noqa: BLE001  # one check must not end the others
            self._blind = f"it failed ({type(error).__name__}); that is a mistake in hookgate"

    def result(self, until: float, seconds: float) -> Result:
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            return Result(
                self._check, tuple(self._found), f"it did not end within {seconds:g} seconds"
            )
        return Result(self._check, tuple(self._found), self._blind)


def run(checks: Sequence[Check], scene: Scene, seconds: float) -> list[Result]:
    """Run the checks side by side; returns what each came to within so many seconds."""
    until = time.monotonic() + seconds
    runs = [_Run(check, scene) for check in checks]
    return [each.result(until, seconds) for each in runs]
