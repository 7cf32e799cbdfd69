"""`hookgate serve` as a real process."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import forked
from .ledger import Record, read_ledger
from .log import Log

HOOKGATE = str(Path(sys.executable).with_name("hookgate"))

# Loopback addresses with a part to play in every test.
ALLOWED, PROXY, FOREIGN = "127.0.0.10", "127.0.0.20", "127.0.0.66"


class Sidecar:
    """A running sidecar. `port` is its listener's, 0 of a Unix socket; `audit` its ledger's path.

    `keys` are `section.key` settings as the environment would give them. ALLOWED may send, PROXY
    is a trusted proxy, FOREIGN is a stranger, unless `keys` say otherwise. `patch` is Python that
    the process runs before it serves, to break something in it; `options` are the command's, and
    `under` is a command that runs it, such as a tracer; both as words.
    """

    def __init__(
        self,
        upstream: str,
        folder: Path,
        *,
        patch: str = "",
        options: str = "",
        under: str = "",
        **keys: str,
    ) -> None:
        self.audit = Path(keys.get("audit.path", str(folder / "audit.jsonl")))
        settings = {
            "upstream.url": upstream,
            "source.allow": f"{ALLOWED},cm.com",
            "source.trusted_proxies": PROXY,
            "sidecar.listen": "127.0.0.1:0",
            "audit.path": str(self.audit),
            "audit.personal_data": "plain",
            **keys,
        }
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}
        for key, value in settings.items():
            environment["HOOKGATE_" + key.upper().replace(".", "__")] = value
        command = [HOOKGATE, "serve", *options.split()]
        self.process = (
            None if under else forked.start(command, environment, folder, patch=patch)
        ) or subprocess.Popen(
            [*under.split(), *_command(patch, options.split())],
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.log = Log(self.process.stderr)
        self.port = int(self.log.next("sidecar.listening", 60)["port"] or 0)

    def wait_for_log(self, event: str, seconds: float = 30) -> dict[str, Any]:
        """The next operational record with this event."""
        return self.log.next(event, seconds)

    def records(self, kind: str | None = None) -> list[Record]:
        """The ledger's records, of one kind or of all."""
        return [r for r in read_ledger(self.audit, growing=True) if kind in (None, r["event"])]

    def ledgers(self) -> list[Path]:
        """Its own ledger, or those of its workers, by name."""
        if self.audit.exists():
            return [self.audit]
        return sorted(self.audit.parent.glob(f"{self.audit.stem}.*{self.audit.suffix}"))

    def all_records(self, kind: str) -> list[Record]:
        """The records of one kind in all ledgers, in the order of their times."""
        ledgers = [read_ledger(path, growing=True) for path in self.ledgers()]
        records = [r for ledger in ledgers for r in ledger if r["event"] == kind]
        return sorted(records, key=lambda record: str(record["ts"]))

    def wait_for_deliveries(self, count: int, seconds: float = 30) -> list[Record]:
        """The `delivery` records once there are `count`; fails when the time is up."""
        until = time.monotonic() + seconds
        while len(found := self.records("delivery")) < count:
            if time.monotonic() > until:
                raise AssertionError(f"{len(found)} deliveries, not {count}: {found}\n{self.log}")
            time.sleep(0.02)
        return found

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM, wait, and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def kill(self) -> None:
        """SIGKILL: no drain, no `stop` record."""
        self.process.kill()
        self.process.wait(30)


def _command(patch: str, options: list[str]) -> list[str]:
    if not patch:
        return [HOOKGATE, "serve", *options]
    start = f"from hookgate_cli.main import main\nmain({['serve', *options]!r})\n"
    return [sys.executable, "-c", f"{patch}\n{start}"]


@contextlib.contextmanager
def sidecar(
    upstream: str,
    folder: Path,
    *,
    patch: str = "",
    options: str = "",
    under: str = "",
    **keys: str,
) -> Iterator[Sidecar]:
    running = Sidecar(upstream, folder, patch=patch, options=options, under=under, **keys)
    try:
        yield running
    finally:
        running.stop()
