"""An endpoint behind a Unix socket, of the sidecar; tests/addon/test_unix.py has the addon."""

import socket
from pathlib import Path

import pytest

from support.admin import ON, Admin
from support.events import CLEAN
from support.pair import Pair
from support.raw import ask, post, wait_until
from support.receiver import OK, receiving
from support.sidecar import sidecar


@pytest.mark.parametrize("workers", ["1", "2"])
def test_events_go_there(tmp_path: Path, workers: str) -> None:
    """Byte for byte, over connections that are kept."""
    keys = {"sidecar.workers": workers}
    with (
        receiving(path=tmp_path / "app.sock") as upstream,
        sidecar(upstream.url, tmp_path, **keys) as gate,
    ):
        for _ in range(6):
            assert ask(gate.port, post(CLEAN)).status == 200
        assert [seen.body for seen in upstream.seen] == [CLEAN] * 6
        assert upstream.connections <= int(workers)
        assert {seen.values(b"host")[0] for seen in upstream.seen} == {b"gate"}
        assert gate.stop() == 0


def test_its_answers_are_read_as_ever(tmp_path: Path) -> None:
    """Refused, broken, and closed without a word."""
    answers = {
        b"/no": (b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n", 418),
        b"/bad": (b"hello\r\n\r\n\0close", 502),
        b"/gone": (b"\0close", 502),
        b"/yes": (OK, 200),
    }
    path = tmp_path / "app.sock"

    def respond(seen: object) -> bytes:
        return answers[seen.request_line.split()[1]][0]  # type: ignore[attr-defined]  # a Seen

    with receiving(respond, path=path) as upstream, sidecar(upstream.url, tmp_path) as gate:
        traces = Pair(gate, upstream).traces()
        for target, (_, status) in answers.items():
            assert ask(gate.port, post(CLEAN, target)).status == status
        reasons = [record["reason"] for record in traces.deliveries(4)]
        assert reasons == ["upstream_rejected", "upstream_invalid", "upstream_invalid", "clean"]


def test_one_that_is_missing_is_unreachable_until_it_comes(tmp_path: Path) -> None:
    """For events and for /readyz; a file that nobody listens on is no endpoint."""
    path = tmp_path / "app.sock"
    need = {"sidecar.ready_needs_upstream": "true", **ON}
    with sidecar(f"unix:{path}", tmp_path, **need) as gate:
        admin = Admin(gate)
        assert ask(gate.port, post(CLEAN)).status == 502
        assert admin.ready()[0] == 503
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(path))
        assert ask(gate.port, post(CLEAN)).status == 502
        path.unlink()
        with receiving(path=path):
            assert ask(gate.port, post(CLEAN)).status == 200
            assert wait_until(lambda: admin.ready() == (200, []))
        reasons = [record["reason"] for record in gate.wait_for_deliveries(3)]
        assert reasons == ["upstream_unreachable", "upstream_unreachable", "clean"]
