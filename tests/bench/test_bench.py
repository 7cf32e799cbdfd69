"""What the bench computes: the constant-rate load, percentiles, tables, goals."""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from bench.load import Wrk, parse_wrk, percentile
from bench.report import goals, table
from bench.report.tables import SECTIONS

OPENLOAD = Path(__file__).parents[2] / "bench" / "openload.py"
STALL_SECONDS = 0.4


class Stalling(BaseHTTPRequestHandler):
    """Answers at once, but for one moment in which it answers nobody."""

    protocol_version = "HTTP/1.1"
    connections: set[object]
    stall_at: float
    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).connections.add(self.connection)
        since = time.monotonic() - self.stall_at
        if 0 < since < STALL_SECONDS:
            time.sleep(STALL_SECONDS - since)
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    Stalling.connections = set()
    Stalling.stall_at, Stalling.status = float("inf"), 200
    with ThreadingHTTPServer(("127.0.0.1", 0), Stalling) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def openload(
    port: int, rate: int, seconds: float, body: Path
) -> "subprocess.CompletedProcess[str]":
    body.write_bytes(b"{}")
    command = [sys.executable, str(OPENLOAD), str(port), str(rate), str(seconds), str(body)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_stall_is_charged_to_every_request_that_was_due(port: int, tmp_path: Path) -> None:
    rate = 100
    Stalling.stall_at = time.monotonic() + 1.2
    told = json.loads(openload(port, rate, 2, tmp_path / "body").stdout)
    assert len(told["latencies_us"]) == len(told["lateness_us"]) == 2 * rate
    # One in a closed loop; half of those due in the stall waited for more than half of it.
    late = [us for us in told["latencies_us"] if us > STALL_SECONDS / 2 * 1e6]
    assert len(late) >= rate * STALL_SECONDS / 4


def test_connections_are_used_again(port: int, tmp_path: Path) -> None:
    assert openload(port, 50, 1, tmp_path / "body").returncode == 0
    assert len(Stalling.connections) < 25


def test_an_answer_other_than_2xx_ends_the_load(port: int, tmp_path: Path) -> None:
    Stalling.status = 403
    done = openload(port, 50, 1, tmp_path / "body")
    assert done.returncode == 1
    assert "status 403" in done.stderr


def test_what_wrk_told() -> None:
    text = (
        "a line of its own\n"
        '{"requests":10,"seconds":2.5,"status":1,"connect":1,"read":2,"write":3,"timeout":4,'
        '"p50_us":1,"p99_us":2}\n'
    )
    assert parse_wrk(text) == Wrk(10, 2.5, 1, 10)


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([7], 50, 7),
        ([1, 2, 3, 4], 50, 2),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 101)), 99.9, 100),
        (list(range(1, 1001)), 99.9, 999),
        ([1, 2], 0, 1),
    ],
)
def test_percentile(values: list[int], share: float, found: int) -> None:
    assert percentile(values, share) == found


def test_a_table_is_aligned() -> None:
    assert table(("", "µs"), [("nginx", "7"), ("us", "1,000")]) == (
        "|       |    µs |\n|-------|------:|\n| nginx |     7 |\n| us    | 1,000 |"
    )


def rate(contender: str, per_second: float, cpu_us: float, core_idle: float = 0) -> dict[str, Any]:
    return {
        "contender": contender,
        "rate": per_second,
        "user_us": cpu_us,
        "system_us": 0,
        "core_idle": core_idle,
    }


def test_a_goal_goes_by_cpu_time_where_the_load_was_the_bottleneck() -> None:
    rows = [rate("hookgate", 5000, 200), rate("nginx", 10000, 40, 0.5), rate("fastify", 2500, 400)]
    found = {
        goal.what: (goal.found, goal.met)
        for goal in goals({"contenders": {}, "figures": {"rate": rows}})
    }
    assert found["requests/s of hookgate / nginx, by CPU time"] == ("0.20", False)
    assert found["requests/s of hookgate / fastify"] == ("2.00", False)
    assert found["requests/s of hookgate / caddy"] == ("-", None)


def test_what_signing_adds_is_told_by_rounds() -> None:
    """The machine's speed changes between two rounds, and within one hardly."""
    rows = [
        {"case": case, "user_us": cpu_us, "system_us": 1}
        for case, cpu_us in (("alone", 3), ("off", 50), ("on", 54), ("on", 75), ("off", 70),
                             ("off", 90), ("on", 96))
    ]  # fmt: skip
    last = SECTIONS["signing"][1]({}, rows).splitlines()[-1]
    assert re.findall(r"\d\.\d", last) == ["5.0", "4.0", "6.0"]
