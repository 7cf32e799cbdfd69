"""No read keeps others waiting: what costs much for its bytes is parsed a little at a time."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from hookgate.gate.gate import Gate
from hookgate.log import make_log
from hookgate_sidecar.reader import Reader
from hookgate_sidecar.server import Server
from support.events import CLEAN
from support.pair import Pair, paired
from support.policy import make_config
from support.raw import ask, chunked, post

MIB = 1 << 20
BODIES = {
    "empty lines in a chunk": chunked(b"\r\n\r\n" * (MIB // 4 - 1)),
    "last chunks in a chunk": chunked(b"0\r\n\r\n" * (MIB // 5 - 1)),
    "chunks of an empty line": chunked(*[b"\r\n\r\n"] * 100_000),
    "chunks of a byte": chunked(*[b" "] * 100_000),
    "chunks with extensions": chunked(*[b" "] * 10_000, extension=b";a=" + b"b" * 80),
    "one chunk": chunked(b" " * (MIB - 1)),
}
PIPELINED = {
    "requests that are refused": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 4000,
    "events": post(CLEAN) * 500,
}


@pytest.fixture(scope="module")
def ample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with paired(tmp_path_factory.mktemp("gate"), **{"sidecar.body_timeout": "60s"}) as running:
        yield running


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_such_bodies_are_read_whole(ample: Pair, body: bytes) -> None:
    """Each is judged as what it is, and the gate serves on."""
    assert ask(ample.port, body, seconds=60).status == 400
    assert ask(ample.port, post(CLEAN), seconds=60).status == 200


def test_a_chunked_event_of_small_chunks_arrives(ample: Pair) -> None:
    """Byte for byte, however many pieces it came in."""
    large = CLEAN + b" " * 50_000
    assert ask(ample.port, chunked(*[bytes((b,)) for b in large]), seconds=60).status == 200
    assert ample.upstream.seen[-1].body == large


@pytest.mark.parametrize("data", [*BODIES.values(), *PIPELINED.values()], ids=[*BODIES, *PIPELINED])
def test_a_turn_parses_little_of_what_costs_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    """Between two turns of the loop at most 4 KiB, and a piece more, and few pieces."""
    turns: list[list[int]] = [[]]
    feed = Reader._feed

    def counting(reader: Reader, piece: bytes) -> None:
        turns[-1].append(len(piece))
        feed(reader, piece)

    monkeypatch.setattr(Reader, "_feed", counting)

    async def play() -> None:
        config = make_config(
            source__allow=["127.0.0.1"],
            audit__path=str(tmp_path / "audit.jsonl"),
            sidecar__listen="127.0.0.1:0",
        )
        server = Server(Gate(config, "sidecar", make_log()))
        port = (await server.start()).port
        loop = asyncio.get_running_loop()

        def next_turn() -> None:
            turns.append([])
            loop.call_soon(next_turn)

        next_turn()
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setblocking(False)
            sending = loop.create_task(loop.sock_sendall(client, data))
            while sum(map(sum, turns)) < 10_000:  # noqa: ASYNC110  # nothing tells it
                await asyncio.sleep(0.01)
            await loop.sock_recv(client, 65536)
            sending.cancel()
        await server.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(play())
    fed = [turn for turn in turns if turn]
    assert max(len(turn) for turn in fed) <= 32
    assert max(map(sum, fed)) <= 4096 + max(len(CLEAN), 256) * 32
