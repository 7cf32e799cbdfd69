"""The PROXY header that comes before HTTP or TLS, read from the bare socket."""

import asyncio
import socket

from .proxy_protocol import (
    LONGEST_V2,
    ProxyHeaderError,
    header_length,
    read_header,
)


async def read_proxy_header(sock: socket.socket, seconds: float) -> str | None:
    """Take exactly the header off a non-blocking socket, within `seconds`; returns the client's
    address.

    "" where the header names none, None where nothing came at all. Raises `ProxyHeaderError`.
    """
    header = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while not _take(sock, header):
                await _readable(sock)
    except TimeoutError:
        if header:
            raise ProxyHeaderError("the PROXY header came too slowly") from None
        return None
    except (OSError, EOFError):
        if header:
            raise ProxyHeaderError("the PROXY header is cut short") from None
        return None
    return read_header(bytes(header))


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(sock, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(sock)


def _take(sock: socket.socket, header: bytearray) -> bool:
    """Take what has come of the header, and nothing behind it; True once it is whole.

    What was looked at and left would wake the loop again and again.
    """
    while True:
        try:
            seen = sock.recv(LONGEST_V2, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        if not seen:
            raise EOFError
        length = header_length(bytes(header) + seen)
        header += sock.recv(len(seen) if length is None else length - len(header))
        if length == len(header):
            return True
