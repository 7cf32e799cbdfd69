"""`hookgate watch` as a real process, and what it tells."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import forked
from .log import Log
from .sidecar import HOOKGATE

_NOTICE = re.compile(r"^[-0-9]+ [:0-9]+Z (critical|warning|resolved) \[(\w+)\] (.*)", re.MULTILINE)


class Watch:
    """A running watcher in a folder. `keys` are `section.key` settings; `under` is a command that
    runs it, such as a tracer.
    """

    def __init__(self, folder: Path, *options: str, under: str = "", **keys: str) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}
        for key, value in {"alarm.gate": "gate1", **keys}.items():
            environment["HOOKGATE_" + key.upper().replace(".", "__")] = value
        command = [*under.split(), HOOKGATE, "watch", *options]
        self.process = (
            None if under else forked.start(command, environment, folder)
        ) or subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.log, self.errors = Log(self.process.stdout), Log(self.process.stderr)

    def wait(self, *conditions: str, over: bool = False, count: int = 1) -> None:
        """Wait until each of these was told so often; fails when the time is up."""
        for condition in conditions:
            words = ["resolved"] if over else ["critical", "warning"]
            self.log.lines(*(f" {word} [{condition}] " for word in words), count=count)

    def end(self) -> tuple[int, list[tuple[str, str]]]:
        """SIGTERM; the exit status, and what was told in all: a word, and the condition."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        return status, [(word, name) for word, name, _ in _NOTICE.findall(self.log.whole())]


@contextlib.contextmanager
def watching(folder: Path, *, under: str = "", **keys: str) -> Iterator[Watch]:
    watch = Watch(folder, under=under, **keys)
    try:
        yield watch
    finally:
        watch.process.kill()
        watch.process.wait(30)


def look_once(folder: Path, **keys: str) -> tuple[int, list[tuple[str, str]]]:
    """Run `hookgate watch --once`: its exit status and what it told."""
    watch = Watch(folder, "--once", **keys)
    status = watch.process.wait(60)
    return status, [(word, name) for word, name, _ in _NOTICE.findall(watch.log.whole())]
