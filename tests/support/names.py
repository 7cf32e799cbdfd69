"""A process whose names are looked up where a test says: in a mount namespace of its own."""

import contextlib
import os
import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

# RFC 1035 4.1.1: an answer with recursion, and its code; None says nothing at all.
SERVFAIL, NXDOMAIN = 2, 3


def namespaces() -> bool:
    """Whether mount namespaces are permitted here, and a name server's port."""
    command = ["unshare", "-m", "mount", "--bind", "/etc/hosts", "/etc/hosts"]
    try:
        permitted = subprocess.run(command, capture_output=True).returncode == 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((_an_address(), 53))
    except OSError:
        return False
    return permitted


def _an_address() -> str:
    """Somewhere on loopback, where no other test is."""
    return ".".join(["127", *(str(random.randrange(2, 250)) for _ in range(3))])


class Names:
    """`under` runs a command that knows one name, and asks a server for others that says `code`."""

    def __init__(self, folder: Path, name: str, address: str, server: str) -> None:
        self._hosts = folder / "hosts"
        self._hosts.write_text(f"{address} {name}\n")
        files = {
            "resolv.conf": f"nameserver {server}\noptions timeout:3 attempts:1\n",
            "nsswitch.conf": "hosts: files dns\n",
        }
        for file, text in files.items():
            (folder / file).write_text(text)
        script = folder / "inside.sh"
        binds = [f"mount --bind '{folder}/{file}' /etc/{file}\n" for file in ("hosts", *files)]
        script.write_text("set -e\n" + "".join(binds) + 'exec "$@"\n')
        self.under = f"unshare -m sh {script}"

    def move(self, address: str) -> None:
        """Give the name another address of as many characters, in one write."""
        with self._hosts.open("r+b") as file:
            os.pwrite(file.fileno(), address.encode(), 0)


@contextlib.contextmanager
def name_server(code: int | None) -> Iterator[str]:
    """A name server's address; it answers each question with this code."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        address = _an_address()
        sock.bind((address, 53))

        def serve() -> None:
            while True:
                question, asker = sock.recvfrom(2048)
                if not question:
                    return
                if code is not None:
                    flags = bytes((0x81, 0x80 | code))
                    sock.sendto(question[:2] + flags + question[4:], asker)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield address
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"", (address, 53))
            thread.join()
