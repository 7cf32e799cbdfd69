"""When a sidecar says that events may be sent to it, and what several workers tell as one."""

import os
import signal
import socket
import threading
import time
from pathlib import Path

from support.admin import ON, Admin
from support.disk import FULL_STDOUT
from support.events import CLEAN, event
from support.raw import ask, connected, post, wait_until
from support.receiver import OK, Seen, receiving
from support.sidecar import sidecar


def test_while_it_drains_it_lives_but_is_not_ready(tmp_path: Path) -> None:
    """The prober sends events elsewhere and does not kill what still works."""
    go = threading.Event()

    def respond(_: Seen) -> bytes:
        go.wait(30)
        return OK

    with receiving(respond) as upstream, sidecar(upstream.url, tmp_path, **ON) as gate:
        admin = Admin(gate)
        with connected(gate.port) as client:
            client.send(post(CLEAN))
            upstream.wait_for(1)
            gate.process.send_signal(signal.SIGTERM)
            assert wait_until(lambda: admin.ready() == (503, ["draining"]))
            assert admin.get("/healthz").status == 200
            assert admin.value("hookgate_ready") == 0
            assert admin.value("hookgate_in_flight") == 1
            go.set()
            assert client.read().status == 200
            # A second signal, after the last handler is gone, would end it by itself.
            assert gate.process.wait(30) == 0


def test_it_is_not_ready_while_the_ledger_cannot_be_written(tmp_path: Path) -> None:
    """It would only answer 503."""
    full = {"patch": FULL_STDOUT, "audit.path": "-"}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **ON, **full) as gate:
        admin = Admin(gate)
        assert admin.ready() == (503, ["the ledger cannot be written"])
        assert admin.value("hookgate_ledger_available") == 0
        assert admin.value("hookgate_ledger_failures_total") > 0
        assert admin.get("/healthz").status == 200


def test_it_is_ready_again_once_the_ledger_can_be_synced_again(tmp_path: Path) -> None:
    """Though no event came meanwhile: none is sent to what is not ready."""
    broken = tmp_path / "broken"
    patch = (
        "import os\n"
        "sync = os.fdatasync\n"
        "def fdatasync(fd):\n"
        f"    if os.path.exists({str(broken)!r}): raise OSError(5, 'Input/output error')\n"
        "    sync(fd)\n"
        "os.fdatasync = fdatasync\n"
    )
    with receiving() as upstream, sidecar(upstream.url, tmp_path, patch=patch, **ON) as gate:
        admin = Admin(gate)
        broken.touch()
        ask(gate.port, post(event(channel=...)))
        assert wait_until(lambda: admin.ready()[0] == 503)
        broken.unlink()
        assert wait_until(lambda: admin.ready() == (200, []))


def test_the_upstream_counts_only_where_that_is_wanted(tmp_path: Path) -> None:
    """It is asked for a connection at most each two seconds, however often we are."""
    need = {"sidecar.ready_needs_upstream": "true"}
    down = ["the upstream cannot be connected to: refused"]
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **ON, **need) as gate:
        admin = Admin(gate)
        began = time.monotonic()
        for _ in range(30):
            assert admin.ready() == (200, [])
        assert wait_until(lambda: upstream.connections > 0)
        assert upstream.connections <= 2 + (time.monotonic() - began) // 2
        assert upstream.seen == []
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        folder = tmp_path / "down"
        folder.mkdir()
        with sidecar(url, folder, **ON, **need) as gate:
            admin = Admin(gate)
            assert admin.ready() == (503, down)
            unheard.listen()
            assert wait_until(lambda: admin.ready() == (200, []))
        with sidecar("http://127.0.0.1:9", folder, **ON) as gate:
            assert Admin(gate).ready() == (200, [])


def test_an_https_upstream_that_speaks_no_tls_is_no_connection(tmp_path: Path) -> None:
    """A port that is open is not enough; this one waits for more of a request."""
    need = {"sidecar.ready_needs_upstream": "true"}
    with receiving() as upstream:
        url = upstream.url.replace("http:", "https:")
        with sidecar(url, tmp_path, **ON, **need) as gate:
            assert Admin(gate).ready() == (
                503,
                ["the upstream cannot be connected to: timeout_tls"],
            )


def test_all_workers_are_told_of_together_and_a_dead_one_still_counts(tmp_path: Path) -> None:
    """Sums never run backwards, whoever is asked and whoever is gone."""
    keys = {**ON, "sidecar.workers": "2"}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        admin = Admin(gate)
        for _ in range(20):
            assert ask(gate.port, post(CLEAN)).status == 200

        def told() -> tuple[float, float]:
            """What both tell: a worker that is late is left out."""
            delivered = admin.value("hookgate_outcomes_total", outcome="delivered")
            return delivered, admin.value("hookgate_workers")

        assert wait_until(lambda: told() == (20, 2))
        pid = gate.process.pid
        for worker in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(worker), signal.SIGKILL)
        assert wait_until(lambda: admin.value("hookgate_worker_restarts_total") == 2)
        assert wait_until(lambda: told() == (20, 2))
        assert admin.ready() == (200, [])
