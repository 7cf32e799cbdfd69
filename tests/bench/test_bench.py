"""What the bench computes: the constant-rate load, percentiles, tables, goals."""

import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from bench.events import EVENT, SEPARATOR, mixed_events
from bench.load import Wrk, parse_wrk, percentile
from bench.report import fill, goals, table
from bench.report.tables import SECTIONS
from bench.run import PAGES, RESULTS

from bench import ledger, ledger_tables
from hookgate.policy import Finding
from hookgate.policy.document import parse
from hookgate.samples import documented_events

OPENLOAD = Path(__file__).parents[2] / "bench" / "openload.py"
STALL_SECONDS = 0.4


class Stalling(BaseHTTPRequestHandler):
    """Answers at once, but for one moment in which it answers nobody."""

    protocol_version = "HTTP/1.1"
    connections: set[object]
    heads: list[tuple[str, int]]
    stall_at: float
    status = 200

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.heads.append((self.headers.get("Traceparent", ""), length))
        self.rfile.read(length)
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
    Stalling.connections, Stalling.heads = set(), []
    Stalling.stall_at, Stalling.status = float("inf"), 200
    with ThreadingHTTPServer(("127.0.0.1", 0), Stalling) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def openload(
    port: int, rate: int, seconds: float, body: Path, bodies: bytes = b"{}"
) -> "subprocess.CompletedProcess[str]":
    body.write_bytes(bodies)
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


def test_each_request_has_a_trace_id_of_its_own_and_bodies_take_turns(
    port: int, tmp_path: Path
) -> None:
    assert openload(port, 50, 1, tmp_path / "body", SEPARATOR.join([b"{}", b"[1]"])).returncode == 0
    ids = {head for head, _ in Stalling.heads}
    assert len(ids) == len(Stalling.heads) == 50
    assert all(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", head) for head in ids)
    assert Counter(length for _, length in Stalling.heads) == {2: 25, 3: 25}


def test_events_are_mixed_as_they_come() -> None:
    """Printed as documented; every other one is the one that all sizes are given beside."""
    events = mixed_events()
    printed = {len(event) for event in documented_events().values()}
    assert {len(event) for event in events} == printed
    assert [len(event) for event in events[::2]] == [len(EVENT)] * (len(events) // 2)
    assert len(set(events)) == len(events)
    documents = [parse(event, 64, 10_000) for event in events]
    assert not any(isinstance(document, Finding) for document in documents)


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


def found_of(**figures: list[dict[str, Any]]) -> dict[str, tuple[str, bool | None]]:
    results = {"contenders": {}, "figures": figures}
    return {goal.what: (goal.found, goal.met) for goal in goals(results)}


def test_a_goal_goes_by_cpu_time_where_the_load_was_the_bottleneck() -> None:
    rows = [rate("hookgate", 5000, 100), rate("caddy", 2000, 400, 0.5), rate("fastify", 2500, 400)]
    found = found_of(rate=[*rows, rate("nginx", 6000, 30)])
    assert found["CPU of nginx, bare proxy / hookgate"] == ("0.30", False)
    assert found["requests/s of hookgate / fastify"] == ("2.00", False)
    assert found["requests/s of hookgate / caddy, by CPU time"] == ("4.00", True)
    assert found["requests/s of addon / mitmdump"] == ("-", None)


def test_refusing_is_held_against_accepting_what_has_such_a_head() -> None:
    costs = {
        "accepted": 100,
        "foreign": 30,
        "accepted, heads alike": 60,
        "foreign, heads alike": 30,
    }
    rows = [{**rate("hookgate", 1, cost), "case": case} for case, cost in costs.items()]
    found = found_of(refusal=rows)
    assert found["CPU of refusing a foreign sender / accepting"] == ("0.30", True)
    assert found["CPU of the same, heads alike"] == ("0.50", False)


def test_latency_is_the_lowest_at_half_of_what_fastify_can() -> None:
    def at(rate: float, hookgate: int, caddy: int) -> list[dict[str, Any]]:
        p99s = {"hookgate": hookgate, "fastify": 3000, "caddy": caddy}
        return [{"contender": who, "rate": rate, "p99_us": us} for who, us in p99s.items()]

    (what,) = (what for what in found_of() if "p99 of hookgate" in what)
    assert found_of(latency=at(100, 9000, 1) + at(1000, 1000, 2000))[what][1] is True
    assert found_of(latency=at(100, 1, 9000) + at(1000, 1000, 900))[what][1] is False
    assert found_of(latency=at(1000, 1000, 2000)[:2])[what] == ("1.00 / 3.00 / -", True)
    assert found_of(latency=at(1000, 1000, 2000)[1:])[what][1] is None


def test_large_bodies_are_held_against_fastify_by_their_size() -> None:
    rows = [
        {**rate(who, per_second, 1), "bytes": size}
        for who, size, per_second in (
            ("hookgate", 63_547, 120), ("fastify", 63_547, 100),
            ("hookgate", 508_849, 9), ("fastify", 508_849, 10), ("fastify", 481, 1),
        )
    ]  # fmt: skip
    found = found_of(bodies=rows)
    assert found["requests/s of hookgate / fastify, 64 KiB of small objects"] == ("1.20", True)
    assert found["requests/s of hookgate / fastify, 512 KiB of small objects"] == ("0.90", False)


def test_heads_alike_have_rows_of_their_own() -> None:
    rows, alike = [rate("hookgate", 9000, 90), rate("nginx", 30_000, 30)], [rate("hookgate", 1, 60)]
    names = {"hookgate": {"name": "us", "leaves_out": ""}, "nginx": {"name": "n", "leaves_out": ""}}
    results = {"contenders": names, "figures": {"rate": rows, "alike": alike}}
    lines = SECTIONS["rate"][1](results, rows).splitlines()[2:5]
    assert [line.split("|")[1].strip() for line in lines] == ["n", "us", "us, heads alike"]
    assert ["0.33" in line for line in lines] == [False, True, False]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_show_the_results_that_are_kept(page: Path) -> None:
    """A whole run writes both."""
    results = json.loads((RESULTS / "results.json").read_text())
    text = page.read_text()
    assert text.count("<!-- bench: ") == text.count("<!-- /bench -->") >= 1
    assert fill(text, results) == text
    emptied = re.sub(r"(<!-- bench: \w+ -->\n).*?(<!-- /bench)", r"\1\2", text, flags=re.DOTALL)
    assert emptied != text
    assert fill(emptied, results) == text


def test_the_page_of_the_ledger_shows_what_reading_took() -> None:
    """A run of `bench/ledger.py` writes both."""
    results = json.loads((RESULTS / "ledger.json").read_text())
    text = ledger.PAGE.read_text()
    emptied = re.sub(r"(<!-- bench: ledger -->\n).*?(<!-- /bench)", r"\1\2", text, flags=re.DOTALL)
    assert emptied != text
    assert ledger_tables.fill(emptied, results) == text


def test_what_signing_adds_is_told_by_rounds() -> None:
    """The machine's speed changes between two rounds, and within one hardly."""
    rows = [
        {"case": case, "user_us": cpu_us, "system_us": 1}
        for case, cpu_us in (("alone", 3), ("off", 50), ("on", 54), ("on", 75), ("off", 70),
                             ("off", 90), ("on", 96))
    ]  # fmt: skip
    last = SECTIONS["signing"][1]({}, rows).splitlines()[-1]
    assert re.findall(r"\d\.\d", last) == ["5.0", "4.0", "6.0"]
