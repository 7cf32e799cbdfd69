"""`hookgate audit explain` for one request, as a process whose end is waited for by a thread."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from hookgate.ledger.reading.files import find_files
from hookgate.wording import argument_in_shell
from hookgate_cli.gate_source import Ledger
from hookgate_cli.terminal import printable

# More than fits any explanation of one attempt.
_MOST_BYTES = 1 << 20


class Explaining:
    """Explain a request from a ledger; `on_end` is called by a thread once `lines` are there."""

    def __init__(
        self,
        request_id: str,
        ledger: Ledger,
        config: str | None,
        width: int,
        on_end: Callable[[], None],
    ) -> None:
        self.lines: list[str] | None = None
        self._on_end = on_end
        self._process: subprocess.Popen[bytes] | None = None
        path = ledger.path
        if not (request_id.isprintable() and (ledger.options or _is_here(path))):
            asked = argument_in_shell(request_id)
            where = f"The ledger {printable(path)} is not on this machine." if path else ""
            self.lines = [where or "Where its ledger is is not known.", "", "Ask there:", "",
                          f"    hookgate audit explain {asked}"]  # fmt: skip
            return
        command = [sys.executable, "-P", "-m", "hookgate_cli", "audit", "explain"]
        command += ["--config", config] if config is not None else []
        at = {"HOOKGATE_AUDIT__PATH": path} if path else {}
        self._process = subprocess.Popen(
            [*command, *ledger.options, "--", request_id],
            env={**os.environ, **at, "COLUMNS": str(width)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the list
        )
        threading.Thread(target=self._wait, args=(self._process,), daemon=True).start()

    def close(self) -> None:
        """End it, if it has not ended."""
        if self._process is not None:
            self._process.kill()

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        stream = process.stdout
        data = stream.read(_MOST_BYTES) if stream is not None else b""
        process.kill()
        process.wait()
        text = data.decode("utf-8", "backslashreplace")
        self.lines = [printable(line) for line in text.splitlines()] or ["It says nothing."]
        self._on_end()


def _is_here(ledger: str) -> bool:
    """Tell whether there is such a ledger; the path is what a gate told, or something else."""
    return ledger.isprintable() and bool(ledger and find_files(Path(ledger)))
