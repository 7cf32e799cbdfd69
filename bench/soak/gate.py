"""`hookgate serve` as a child process, and what can be done to it."""

import gzip
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import process
from .site import WORKERS, Site, configuration

HOOKGATE = str(Path(sys.executable).with_name("hookgate"))
_START_SECONDS = 30


class Gate:
    """A running gate in a folder of its own. `wrapper` is put before its command."""

    def __init__(
        self, folder: Path, site: Site, upstream: int, workers: int = WORKERS, *wrapper: str
    ) -> None:
        self._folder = folder
        self._log = folder / "log"
        self._made = site, upstream, workers
        self._turn = 0
        self.rotations = 0
        self.configure()
        self.process = process.start(*wrapper, HOOKGATE, "serve", cwd=folder, errors=self._log)
        try:
            # The admin listener is the last to be opened.
            self.admin = self._wait_for("admin.listening")
            self.port = self._wait_for("sidecar.listening")
        except BaseException:
            process.end(self.process)
            raise

    def configure(self, *, broken: bool = False) -> None:
        """Write another configuration, or one that cannot be applied."""
        self._turn += 1
        text = configuration(*self._made, turn=self._turn)
        file = self._folder / "hookgate.toml"
        file.write_text(text.replace("max_depth", "max_dept") if broken else text)

    def workers(self) -> list[int]:
        """Return the processes that serve or are about to; its own where it is one process."""
        return process.children(self.process.pid) if self._made[2] > 1 else [self.process.pid]

    def serving(self) -> list[int]:
        """Return the workers that have logged that they serve, and are not halted."""
        said = {record["pid"] for record in self._records("worker.serving")}
        return [p for p in self.workers() if p in said and not process.is_halted(p)]

    def reload(self, *, broken: bool = False) -> None:
        """Apply another configuration, or try one that cannot be."""
        self.configure(broken=broken)
        self.process.send_signal(signal.SIGHUP)

    def roll(self) -> None:
        """Start all workers anew."""
        self.process.send_signal(signal.SIGUSR2)

    def rotate(self) -> None:
        """Rename the ledgers, as logrotate does, and compress those of the time before.

        Every second time an empty file is put in their place.
        """
        self.rotations += 1
        for old in self._folder.glob("*.jsonl.*[0-9]"):
            with old.open("rb") as plain, gzip.open(f"{old}.gz", "wb", 1) as packed:
                shutil.copyfileobj(plain, packed)
            old.unlink()
        for ledger in self._folder.glob("*.jsonl"):
            ledger.rename(f"{ledger}.{self.rotations}")
            if self.rotations % 2:
                ledger.touch(0o640)

    def stop(self) -> int:
        """Send SIGTERM and return the exit status. Raises TimeoutExpired after 30 seconds."""
        self.process.terminate()
        return self.process.wait(30)

    def end(self) -> None:
        """Kill it and whatever it left."""
        left = self.workers()
        process.end(self.process)
        for pid in left:
            if process.status(pid).get("PPid") not in (None, str(os.getpid())):
                _kill(pid)

    def _wait_for(self, event: str) -> int:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            for record in self._records(event):
                return int(record["port"])
            time.sleep(0.05)
        raise RuntimeError(f"the gate does not start\n{self._log.read_text()[-2000:]}")

    def _records(self, event: str) -> Iterator[dict[str, Any]]:
        for line in self._log.read_text().splitlines():
            if f'"{event}"' in line and line.endswith("}"):  # whole
                yield json.loads(line)


@contextmanager
def running(
    folder: Path, site: Site, upstream: int, workers: int = WORKERS, *wrapper: str
) -> Iterator[Gate]:
    """Run a gate until the block ends; it is killed then if it has not ended."""
    gate = Gate(folder, site, upstream, workers, *wrapper)
    try:
        yield gate
    finally:
        gate.end()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
