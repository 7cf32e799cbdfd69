"""An endpoint by name: what becomes of it where the name moves, or cannot be looked up."""

import socket
from pathlib import Path

import pytest

from support.events import CLEAN
from support.names import NXDOMAIN, SERVFAIL, Names, name_server, namespaces
from support.raw import ask, post, wait_until
from support.scripted import answering, scripted
from support.sidecar import sidecar

pytestmark = pytest.mark.skipif(not namespaces(), reason="mount namespaces are not permitted here")

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NAME = "endpoint.test"
# The greatest age of a connection, made shorter.
PATCH = "import hookgate.upstream.pool as u; u.MAX_AGE_SECONDS, u.AGES_APART = 1.0, 1"


def test_a_name_that_moves_is_followed_under_steady_traffic(tmp_path: Path) -> None:
    """Though the old address goes on to answer; no event fails."""
    with scripted(answering(OK, stay=True)) as old, name_server(NXDOMAIN) as server:
        names = Names(tmp_path, NAME, "127.0.0.1", server)
        listener = socket.create_server(("127.0.0.2", old.port))
        with (
            scripted(answering(OK, stay=True), listener) as new,
            sidecar(f"http://{NAME}:{old.port}", tmp_path, patch=PATCH, under=names.under) as gate,
        ):

            def send() -> int:
                return ask(gate.port, post(CLEAN)).status

            assert [send() for _ in range(5)] == [200] * 5
            assert old.connections >= 1
            names.move("127.0.0.2")
            assert wait_until(lambda: send() == 200 and new.connections > 0)
            before = old.connections
            assert [send() for _ in range(20)] == [200] * 20
            assert old.connections == before
            assert {r["outcome"] for r in gate.records("delivery")} == {"delivered"}


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [(NXDOMAIN, 502, "name_unknown"), (SERVFAIL, 502, "name_failed"), (None, 504, "timeout_name")],
    ids=["no such name", "a server that fails", "a server that is silent"],
)
def test_a_name_that_cannot_be_looked_up(
    tmp_path: Path, code: int | None, status: int, word: str
) -> None:
    """Whether nobody has it or nobody answers are two causes."""
    with name_server(code) as server:
        names = Names(tmp_path, NAME, "127.0.0.1", server)
        keys = {"upstream.timeout": "1s" if code is None else "10s"}
        with sidecar("http://other.test:9", tmp_path, under=names.under, **keys) as gate:
            assert ask(gate.port, post(CLEAN)).status == status
            assert gate.wait_for_deliveries(1)[0]["upstream_error"] == word
