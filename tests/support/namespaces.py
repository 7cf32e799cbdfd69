"""Whether this machine lets a test have a namespace of its own, as containers often do not."""

import subprocess

import pytest


def need(*arguments: str) -> list[str]:
    """Return the command that runs another in such a one, by `unshare`'s arguments; or skip."""
    command = ["unshare", *arguments]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare; apt-get install util-linux")
    if tried.returncode:
        pytest.skip(f"no such namespace can be had: {tried.stderr.strip()}")
    return command
