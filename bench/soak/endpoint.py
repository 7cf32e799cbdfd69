"""The endpoint behind the gate, as a process of its own.

    python -m bench.soak.endpoint PORT FILE

Notes each body's SHA-256 in the file, a line each, before it answers 200. An event's mark makes it
misbehave; all others get one plain answer. What comes behind its own end is noted all the same: an
event that was under way just then may be answered by what came before.
"""

import asyncio
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TextIO

from bench.soak.site import mark_of

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_SOON, _LATER = 0.05, 1.0

# What is sent, and after how many seconds; None ends its side.
Answer = tuple[tuple[float, bytes | None], ...]
ANSWERS: dict[str, Answer] = {
    "": ((0, OK),),
    "twice": ((0, OK + OK),),
    "late": ((0, OK), (_SOON, OK)),
    "last": ((0, OK), (_SOON, OK), (0, None)),
    "slow": ((_LATER, OK),),
    "garbage": ((0, b"\x00GARBAGE\r\n\r\n"),),
    "rtsp": ((0, OK.replace(b"HTTP/1.1", b"RTSP/1.0")),),
    "long": ((0, b"HTTP/1.1 301 Moved\r\nContent-Length: 1\r\n\r\nfar too long"),),
    "huge": ((0, b"HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n" + b" " * 2_097_152),),
    "early": ((0, None),),
    "hang": (),
}


class Exchange(asyncio.Protocol):
    """One connection of the gate."""

    def __init__(self, notes: TextIO) -> None:
        self._notes = notes
        self._data = b""
        self._ended = False
        self._events = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n") + 4) > 3:
            head = self._data[:end].lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(self._data) < end + length:
                return
            body, self._data = self._data[end : end + length], self._data[end + length :]
            self._notes.write(sha256(body).hexdigest() + "\n")
            self._events += 1
            self._answer(ANSWERS.get(mark_of(body), ANSWERS[""]))

    def _answer(self, answer: Answer) -> None:
        after = 0.0
        for pause, data in answer:
            after += pause
            if after:
                asyncio.get_running_loop().call_later(after, self._write, data, self._events)
            else:
                self._write(data, self._events)

    def _write(self, data: bytes | None, events: int) -> None:
        if self._events != events:
            return  # it would be taken for the answer to another
        if self._transport.is_closing() or self._ended:
            return
        if data is not None:
            self._transport.write(data)
        else:
            self._ended = True
            self._transport.write_eof()
            asyncio.get_running_loop().call_later(_LATER, self._transport.close)


async def serve(port: int, seen: Path) -> None:
    """Serve until the process is ended."""
    with seen.open("a", buffering=1) as notes:
        server = await asyncio.get_running_loop().create_server(
            lambda: Exchange(notes), "127.0.0.1", port, reuse_address=True
        )
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
