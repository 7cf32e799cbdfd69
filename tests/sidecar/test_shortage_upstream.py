"""An endpoint that is halted, unreachable, or has a name that nobody looks up: 504 in time."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from support.events import CLEAN
from support.ledger import assert_balanced, assert_chained
from support.process import paused
from support.raw import Reply, ask, post, wait_until
from support.receiver import receiving
from support.sidecar import sidecar
from support.silent_names import NAME, silent_name_server
from support.starved import LENIENT, report, starved_sidecar, timed

TIMEOUT = 1.0
KEYS = {"upstream.timeout": f"{TIMEOUT:g}s"}
# A server that halts itself in the middle of nothing: it is there, and its kernel accepts for it.
SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextlib.contextmanager
def endpoint() -> Iterator["tuple[subprocess.Popen[str], int]"]:
    """An endpoint that is a process of its own, and its port."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port that answers no SYN: its queue is full and nobody accepts."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as server,
        contextlib.ExitStack() as stack,
    ):
        port = server.getsockname()[1]
        for _ in range(8):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        yield port


def ask_often(port: int, count: int, name: str) -> list[Reply]:
    """Several events at once."""
    replies: list[Reply] = []

    def one() -> None:
        replies.append(timed(name, port, post(CLEAN)))

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == count
    return replies


def test_a_halted_endpoint_is_504_and_comes_back(tmp_path: Path) -> None:
    """Also on a connection that was in use before."""
    with (
        endpoint() as (process, port),
        sidecar(f"http://127.0.0.1:{port}", tmp_path, **KEYS) as gate,
    ):
        assert ask(gate.port, post(CLEAN)).status == 200
        with paused(process.pid):
            for _ in range(2):
                reply = timed("the endpoint is halted", gate.port, post(CLEAN))
                assert reply.status == 504
        assert wait_until(lambda: ask(gate.port, post(CLEAN)).status == 200)


def test_an_endpoint_that_answers_no_connection_is_504(tmp_path: Path) -> None:
    """As behind a firewall that drops."""
    with full_backlog() as port, sidecar(f"http://127.0.0.1:{port}", tmp_path, **KEYS) as gate:
        for reply in ask_often(gate.port, 3, "no connection is answered"):
            assert reply.status == 504


def test_a_name_that_nobody_answers_is_504_and_holds_up_nothing_else(tmp_path: Path) -> None:
    """Not the next endpoint, more events than threads hang or not, nor a probe, nor the end."""
    config = tmp_path / "hookgate.toml"
    config.write_text(f'[upstream]\nurl = "http://{NAME}:8080"\ntimeout = "1s"\n')
    with receiving() as upstream, silent_name_server(tmp_path) as under:
        keys = {"sidecar.ready_needs_upstream": "true"}
        with starved_sidecar("", tmp_path, under=under, stderr=subprocess.DEVNULL, **keys) as gate:
            for _ in range(2):
                replies = ask_often(gate.port, 12, "the name server is silent")
                assert {reply.status for reply in replies} == {504}
            config.write_text(f'[upstream]\nurl = "http://localhost:{upstream.port}"\n')
            gate.process.send_signal(signal.SIGHUP)
            assert wait_until(lambda: b'"event":"reload"' in gate.audit.read_bytes())
            assert timed("another name meanwhile", gate.port, post(CLEAN)).status == 200
            began = time.monotonic()
            assert gate.stop() == 0
            report("the end, with look-ups under way", 0, time.monotonic() - began)
            assert time.monotonic() - began < LENIENT
    assert_chained(gate.audit)
    assert_balanced(gate.audit)


def test_a_look_up_that_hangs_is_one_thread(tmp_path: Path) -> None:
    """However many events wait for it."""
    with (
        silent_name_server(tmp_path) as under,
        sidecar(f"http://{NAME}:8080", tmp_path, under=under, **KEYS) as gate,
    ):
        ask_often(gate.port, 12, "the name server is silent")
        names = [
            Path(f"/proc/{gate.process.pid}/task/{task}/comm").read_text()
            for task in os.listdir(f"/proc/{gate.process.pid}/task")
        ]
        assert len(names) <= 5
