"""Who listens where, as the kernel tells it in /proc."""

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hookgate.address import ListenAddress, UnixAddress

_LISTENING = "0A"  # proc(5): TCP_LISTEN
_INODE = re.compile(r"socket:\[(\d+)\]")
_EVERY = {"", "0.0.0.0", "::"}  # noqa: S104  # compared with


class Listener(NamedTuple):
    """Who listens: a process and its name; None and "" where another user's cannot be seen."""

    pid: int | None
    name: str
    is_hookgate: bool


def listeners(address: ListenAddress) -> list[Listener]:
    """Return who listens at an address, [] where nobody does. Raises OSError."""
    if isinstance(address, UnixAddress):
        inodes = set(_unix_inodes(address.path))
    else:
        inodes = set(_tcp_inodes(address.host, address.port))
    return sorted(set(_owners(inodes)), key=lambda one: one.pid or 0) if inodes else []


def _tcp_inodes(host: str, port: int) -> Iterator[str]:
    wanted = None if host in _EVERY else {row[4][0] for row in _resolve(host)}
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        with suppress(FileNotFoundError):
            for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                row = line.split()
                at, _, number = row[1].partition(":")
                if row[3] == _LISTENING and int(number, 16) == port:
                    address = _address(at, family)
                    if wanted is None or address in _EVERY or address in wanted:
                        yield row[9]


def _resolve(host: str) -> list[tuple[object, object, object, object, tuple[str, int]]]:
    try:
        return socket.getaddrinfo(host, None)  # type: ignore[return-value]  # of addresses alone
    except OSError:
        return []


def _address(text: str, family: socket.AddressFamily) -> str:
    """Each four bytes are a number in the machine's order."""
    words = [bytes.fromhex(text[i : i + 8])[::-1] for i in range(0, len(text), 8)]
    return socket.inet_ntop(family, b"".join(words))


def _unix_inodes(path: str) -> Iterator[str]:
    for line in Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines():
        row = line.split(maxsplit=7)
        if len(row) == 8 and row[7] == path and row[3] == "00010000":  # it accepts
            yield row[6]


def _owners(inodes: set[str]) -> Iterator[Listener]:
    seen = set()
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with suppress(OSError):
            for fd in (process / "fd").iterdir():
                found = _INODE.fullmatch(str(fd.readlink()))
                if found and found[1] in inodes:
                    seen.add(found[1])
                    yield _listener(int(process.name))
                    break
    if inodes - seen:
        yield Listener(None, "", False)


def _listener(pid: int) -> Listener:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    text = " ".join(word.decode("utf-8", "replace") for word in words[:4])
    name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    return Listener(pid, name, "hookgate" in text or "mitmdump" in text)
