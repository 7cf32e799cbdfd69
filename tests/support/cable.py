"""A network of one's own, at the end of a cable that can be cut."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def network(name: str, here: str, there: str) -> Iterator[str]:
    """A network namespace with a cable to this one, both called `name`; the addresses are of /30.

    Skips where none may be made.
    """
    if shutil.which("ip") is None:
        pytest.skip("no ip; apt-get install iproute2")
    name = f"{name[:9]}{os.getpid() % 100_000}"  # of an interface at most 15 characters
    inside = ["ip", "-n", name]
    steps = [
        ["ip", "netns", "add", name],
        ["ip", "link", "add", name, "type", "veth", "peer", "name", "there", "netns", name],
        ["ip", "addr", "add", f"{here}/30", "dev", name],
        ["ip", "link", "set", name, "up"],
        [*inside, "addr", "add", f"{there}/30", "dev", "there"],
        [*inside, "link", "set", "there", "up"],
        [*inside, "link", "set", "lo", "up"],
    ]
    try:
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"no network of one's own: {done.stderr.strip()}")
        yield name
    finally:
        for step in (["ip", "link", "del", name], ["ip", "netns", "del", name]):
            subprocess.run(step, capture_output=True, check=False)


def cut(name: str) -> None:
    """Let no packet through: nobody is told."""
    subprocess.run(["ip", "link", "set", name, "down"], check=True)


def mend(name: str) -> None:
    """Let them through again."""
    subprocess.run(["ip", "link", "set", name, "up"], check=True)
