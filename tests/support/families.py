"""Machines on which one of IPv4 and IPv6 is missing, made by the kernel."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from .namespaces import need

Result = TypeVar("Result")

_CLONE_NEWNET = 0x40000000

# Python that has socket(2) refuse a family from now on, in children too, as a kernel without it
# does: a filter of seccomp(2), which systemd's RestrictAddressFamilies= also is.
_WITHOUT = """
import ctypes, errno, platform, struct, sys
def refuse(family):
    number = {{"x86_64": 41, "aarch64": 198}}.get(platform.machine())
    if number is None or sys.byteorder != "little":
        sys.exit(77)
    program = b"".join(
        struct.pack("=HBBI", *row)
        for row in (
            (0x20, 0, 0, 0), (0x15, 0, 3, number), (0x20, 0, 0, 16), (0x15, 0, 1, family),
            (0x06, 0, 0, 0x00050000 | errno.EAFNOSUPPORT), (0x06, 0, 0, 0x7fff0000),
        )
    )
    held = ctypes.create_string_buffer(program)
    filters = ctypes.create_string_buffer(struct.pack("@HP", 6, ctypes.addressof(held)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, filters, 0, 0):
        sys.exit(77)
refuse({family})
"""


def without(family: int) -> str:
    """Python that a process runs first, to be on a machine without this family; or skip."""
    patch = _WITHOUT.format(family=int(family))
    check = (
        f"{patch}\nimport socket\ntry: socket.socket({int(family)})\nexcept OSError: sys.exit(0)"
    )
    if subprocess.run([sys.executable, "-c", check], check=False).returncode != 0:
        pytest.skip("no seccomp filter can be set here")
    return patch


def in_namespace(folder: Path, *commands: str) -> str:
    """A command to run another by, in a network namespace made by these commands; or skip."""
    script = folder / "namespace.sh"
    script.write_text("\n".join(("#!/bin/sh", "set -e", *commands, 'exec "$@"', "")))
    script.chmod(0o755)
    return " ".join(need("-n", str(script)))


def run_in_namespace(pid: int, act: Callable[[], Result]) -> Result:
    """Have it done in the network namespace of a process: by a thread, which stays there."""

    def enter() -> Result:
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            if libc.setns(descriptor, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(descriptor)
        return act()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(enter).result()
