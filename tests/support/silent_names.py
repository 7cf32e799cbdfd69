"""A name server that never answers, for one process alone."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from .namespaces import need

ADDRESS = "127.0.0.153"
# Of the domain that is never given to anybody (RFC 2606, 2).
NAME = "endpoint.example"

_SCRIPT = """#!/bin/sh
mount --bind {folder}/resolv.conf /etc/resolv.conf && exec "$@"
"""


@contextlib.contextmanager
def silent_name_server(folder: Path) -> Iterator[str]:
    """A command that runs another with it: a look-up takes minutes. Skips where it cannot be."""
    (folder / "resolv.conf").write_text(f"nameserver {ADDRESS}\noptions timeout:30 attempts:5\n")
    script = folder / "with-resolv-conf"
    script.write_text(_SCRIPT.format(folder=folder))
    script.chmod(0o755)
    command = need("--mount", str(script))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind((ADDRESS, 53))
        except OSError as error:
            pytest.skip(f"port 53 of {ADDRESS} cannot be had: {error.strerror}")
        yield " ".join(command)
