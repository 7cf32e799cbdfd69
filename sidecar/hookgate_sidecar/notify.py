"""What a service manager is told about the process: systemd's protocol, sd_notify(3).

Without $NOTIFY_SOCKET nobody is listening, and nothing happens.
"""

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager


def notify(*assignments: str) -> None:
    """Send assignments like "READY=1" or "STATUS=words" in one datagram.

    "RELOADING=1" gets the time that `Type=notify-reload` wants. A manager that cannot be told
    keeps nobody from serving.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if "RELOADING=1" in assignments:
        assignments = (*assignments, f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto("\n".join(assignments).encode(), address)
    except OSError:
        pass


@contextmanager
def reloading() -> Iterator[None]:
    """Tell the manager of a reload: the block changes what the process goes by, or keeps it."""
    notify("RELOADING=1")
    try:
        yield
    finally:
        notify("READY=1")


async def feed_watchdog() -> None:
    """Say at each half of `WatchdogSec=` that the event loop still turns, until cancelled."""
    seconds = _watchdog_seconds()
    while seconds:
        notify("WATCHDOG=1")
        await asyncio.sleep(seconds / 2)


def _watchdog_seconds() -> float:
    """The manager's patience with this process; 0 where it watches another, or none."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isascii() and microseconds.isdigit() else 0.0
