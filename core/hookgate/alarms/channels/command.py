"""A command that is run for each notice: an argument list, the notice on its standard input."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from time import monotonic

from hookgate.alarms.notice import Notice

from .outcome import Outcome

# What a command gets of our environment, which holds settings and may hold secrets: nothing.
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}


class Command:
    """Run a command for notices; after `deadline` seconds it is killed, with what it started."""

    def __init__(
        self, command: Sequence[str], render: Callable[[Notice], str], deadline: float
    ) -> None:
        self._command = list(command)
        self._render = render
        self._deadline = deadline
        self._process: subprocess.Popen[bytes] | None = None
        self._is_aborted = False

    def send(self, notice: Notice, until: datetime) -> Outcome:  # noqa: ARG002  # as the others
        """Run it for a notice. Raises nothing."""
        began = monotonic()
        try:
            why = self._run(self._render(notice).encode(errors="replace"))
        except OSError as error:
            why = f"cannot be run: {os.strerror(error.errno or 0).lower()}"
        except Exception as error:  # noqa: BLE001  # no fault may end the channel's thread
            why = f"cannot be run ({type(error).__name__})"
        return Outcome(not why, why or "exit status 0", monotonic() - began)

    def abort(self) -> None:
        """Kill what is running, from another thread, and what would be run later."""
        self._is_aborted = True
        self._kill()

    def _kill(self) -> None:
        process = self._process
        # Before its end was seen, its number is nobody else's.
        if process is not None and process.returncode is None:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)

    def _run(self, message: bytes) -> str:
        # What it prints is nobody's: it could be anything, and fill a disk.
        with subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=True,
        ) as process:
            self._process = process
            if self._is_aborted:
                self._kill()
            try:
                process.communicate(message, self._deadline)
            except subprocess.TimeoutExpired:
                self._kill()
                process.communicate()
                return f"still ran after {self._deadline:g} s, and was killed"
        status = process.returncode
        if status < 0:
            return f"was ended by signal {-status}"
        return f"exit status {status}" if status else ""
