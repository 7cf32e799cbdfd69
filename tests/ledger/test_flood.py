"""Ten thousand strangers' requests: a bounded ledger, and no allowed sender turned away."""

import math
import threading
import time
from pathlib import Path

from support.ledger import assert_balanced, assert_chained, read_ledger
from support.load import sending
from support.raw import connected
from support.receiver import receiving
from support.sidecar import FOREIGN, sidecar

CLIENTS, ROUNDS, AT_ONCE = 10, 20, 50
COUNT = CLIENTS * ROUNDS * AT_ONCE
REQUEST = b"POST /cm/events HTTP/1.1\r\nHost: gate\r\nContent-Length: 0\r\n\r\n"

# Of a second's strangers 50 get a line and the others share one, whatever their reason.
LINES_A_SECOND = 51
BYTES_A_LINE = 1024


def _flood(port: int, refused: list[int]) -> None:
    with connected(port, FOREIGN) as client:
        for _ in range(ROUNDS):
            client.send(REQUEST * AT_ONCE)
            refused += [client.read().status for _ in range(AT_ONCE)]


def test_a_flood_of_strangers_neither_fills_the_ledger_nor_stops_anybody(tmp_path: Path) -> None:
    """The strangers' part grows by the second, not by the request; clean events all pass."""
    refused: list[int] = []
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        with sending(gate.port, 2, pause=0) as load:
            began = time.monotonic()
            threads = [
                threading.Thread(target=_flood, args=(gate.port, refused)) for _ in range(CLIENTS)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds = math.ceil(time.monotonic() - began) + 1
        assert gate.stop() == 0
    assert refused == [403] * COUNT
    assert load.unanswered == set()
    assert set(load.answers.values()) == {200}
    assert len(load.answers) > 5

    records = read_ledger(gate.audit)
    strangers = [
        line
        for line, record in zip(gate.audit.read_bytes().splitlines(), records, strict=True)
        if record.get("reason") == "source_not_allowed"
    ]
    assert len(strangers) <= LINES_A_SECOND * seconds
    assert sum(map(len, strangers)) <= LINES_A_SECOND * seconds * BYTES_A_LINE
    assert_chained(gate.audit)
    assert assert_balanced(gate.audit) == {"refused": COUNT, "delivered": len(load.answers)}


def test_each_stranger_is_a_line_or_in_the_range_of_a_sum(tmp_path: Path) -> None:
    """With nobody else there, lines and ranges together are every arrival, without a gap."""
    refused: list[int] = []
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        _flood(gate.port, refused)
        assert gate.stop() == 0
        assert upstream.connections == 0
    records = read_ledger(gate.audit)
    lined = {record["seq"] for record in records if record["event"] == "delivery"}
    summed: set[int] = set()
    for record in records:
        if record["event"] == "refusals":
            assert record["cause"] == "flood"
            numbers = set(range(record["first_seq"], record["last_seq"] + 1)) - lined
            assert record["count"] == len(numbers)
            assert not numbers & summed
            summed |= numbers
    assert lined | summed == set(range(1, len(refused) + 1))
    assert len(refused) == ROUNDS * AT_ONCE
