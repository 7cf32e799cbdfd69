"""Ports for what cannot be told to take any, such as nginx."""

import contextlib
import os
import random
import socket

# Of the processes that run tests at once, pytest-xdist's workers, each takes ports of its own.
_COUNT = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_NUMBER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses, below those that the system gives away."""
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(10_000 + _NUMBER, 32_000, _COUNT)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.add(port)
    return list(found)
