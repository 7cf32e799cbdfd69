"""The loads: as much as goes through (wrk), and a constant rate (openload.py)."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from .process import pinned

HERE = Path(__file__).parent

_Number = TypeVar("_Number", int, float)


class LoadError(Exception):
    """A load that could not be run, or was not answered as it has to be."""


class Wrk(NamedTuple):
    """What wrk counted; `status` are answers over 399, `errors` are broken connections."""

    requests: int
    seconds: float
    status: int
    errors: int


class Latencies(NamedTuple):
    """Microseconds, ascending, from when a request was due to its answer, and until it was sent."""

    latencies: list[int]
    lateness: list[int]


def wrk(
    core: int, port: int, body: Path, seconds: float, connections: int = 32, *, alike: bool = False
) -> Wrk:
    """Load a port with one thread of wrk; raises LoadError if wrk does not run.

    `body` is a file of bodies with `SEPARATOR` between them. Every head has a trace id of its own,
    unless they are to be `alike`.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(seconds, 1):.0f}s", "--timeout", "30s",
               "-s", str(HERE / "wrk.lua"), f"http://127.0.0.1:{port}/cm/events"]  # fmt: skip
    extra = {"ALIKE": "1"} if alike else {}
    return parse_wrk(_run(core, command, BODY=str(body), **extra).stderr)


def parse_wrk(text: str) -> Wrk:
    """Parse what wrk.lua printed."""
    told = json.loads(text.splitlines()[-1])
    errors = sum(told[kind] for kind in ("connect", "read", "write", "timeout"))
    return Wrk(told["requests"], told["seconds"], told["status"], errors)


def at_rate(
    core: int, port: int, body: Path, rate: float, seconds: float, hundreds: int = 2
) -> Latencies:
    """Load a port at a constant rate; raises LoadError where an answer is not 2xx, or of the
    `hundreds` that are expected.
    """
    arguments = [str(port), str(rate), str(seconds), str(body), str(hundreds)]
    command = [sys.executable, str(HERE / "openload.py"), *arguments]
    told = json.loads(_run(core, command).stdout)
    return Latencies(sorted(told["latencies_us"]), sorted(told["lateness_us"]))


def percentile(ascending: Sequence[_Number], share: float) -> _Number:
    """Return the smallest value that `share` percent of them do not exceed."""
    return ascending[max(0, -int(-len(ascending) * share // 100) - 1)]


def _run(core: int, command: Sequence[str], **extra: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        pinned(core, command), env={**os.environ, **extra}, capture_output=True, text=True
    )
    if done.returncode:
        raise LoadError(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done
