"""What is made for a connection before HTTP begins on it, and for one that is turned away."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.events import CLEAN
from support.pair import Pair, paired
from support.proxy_header import v1
from support.raw import connected, post, wait_until
from support.sidecar import ALLOWED, FOREIGN, PROXY

# Each of these leaves its letter in a file when it is made, each judging of a peer a j.
COUNTING = """
import hookgate_sidecar.arrival as arrival
import hookgate_sidecar.connection as connection
import hookgate_sidecar.reader as reader
from hookgate.policy import Policy
def counted(owner, name, letter):
    original = getattr(owner, name)
    def counting(*arguments, **options):
        with open("made", "ab") as file:
            file.write(letter)
        return original(*arguments, **options)
    setattr(owner, name, counting)
counted(arrival.Arrival, "__init__", b"a")
counted(connection.Connection, "__init__", b"c")
counted(reader.Reader, "__init__", b"r")
counted(Policy, "standing", b"j")
"""
BOUND = 2


def made(folder: Path) -> str:
    file = folder / "made"
    return "".join(sorted(file.read_text())) if file.exists() else ""


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Pair]:
    keys = {
        "sidecar.max_foreign_connections": str(BOUND),
        "source.proxy_protocol": "true",
        "sidecar.head_timeout": "60s",
    }
    with paired(tmp_path, patch=COUNTING, **keys) as running:
        yield running


def test_a_foreign_connection_over_the_bound_is_judged_once_and_has_nothing_made(
    gate: Pair, tmp_path: Path
) -> None:
    """It is told 503 all the same; those within the bound had a connection each."""
    with contextlib.ExitStack() as held:
        for _ in range(BOUND):
            held.enter_context(connected(gate.port, FOREIGN))
        assert wait_until(lambda: made(tmp_path) == "aaccjjrr")
        for further in range(1, 4):
            with connected(gate.port, FOREIGN) as client:
                assert client.read().status == 503
            assert made(tmp_path) == "aacc" + "j" * (BOUND + further) + "rr"


def test_no_connection_is_made_before_http_begins(gate: Pair, tmp_path: Path) -> None:
    """Behind a proxy it begins behind the PROXY header."""
    with connected(gate.port, PROXY) as client:
        header = v1(ALLOWED)
        client.send(header[:10])
        assert wait_until(lambda: made(tmp_path) == "aj")
        client.send(header[10:] + post(CLEAN))
        assert client.read().status == 200
        # The second judging is that of whom the header names.
        assert made(tmp_path) == "acjjr"


def test_whoever_leaves_before_http_leaves_no_connection(gate: Pair, tmp_path: Path) -> None:
    """Nor keeps the next from being served."""
    with connected(gate.port, PROXY):
        assert wait_until(lambda: made(tmp_path) == "aj")
    with connected(gate.port, PROXY) as client:
        client.send(v1(ALLOWED) + post(CLEAN))
        assert client.read().status == 200
    assert made(tmp_path) == "aacjjjr"


def test_a_proxy_that_finds_no_place_is_told_before_its_header(tmp_path: Path) -> None:
    """What it would say of its client changes nothing."""
    keys = {
        "sidecar.max_connections": "2",
        "source.proxy_protocol": "true",
        "sidecar.head_timeout": "60s",
    }
    with paired(tmp_path, patch=COUNTING, **keys) as gate, contextlib.ExitStack() as held:
        for _ in range(2):
            held.enter_context(connected(gate.port))
        assert wait_until(lambda: made(tmp_path) == "aaccjjrr")
        with connected(gate.port, PROXY) as client:
            assert client.read().status == 503


def test_a_connection_that_begins_in_a_drain_takes_one_request(tmp_path: Path) -> None:
    """Its client was named before HTTP began, and after the stop: the answer says `close`."""
    keys = {"source.proxy_protocol": "true", "sidecar.head_timeout": "60s"}
    with paired(tmp_path, patch=COUNTING, **keys) as gate, connected(gate.port, PROXY) as client:
        assert wait_until(lambda: made(tmp_path) == "aj")
        gate.gate.process.send_signal(signal.SIGTERM)
        gate.gate.wait_for_log("sidecar.draining")
        client.send(v1(ALLOWED) + post(CLEAN))
        answer = client.read()
        assert (answer.status, answer.values(b"Connection")) == (200, [b"close"])


def test_a_stranger_over_the_bound_whom_a_proxy_names_is_turned_away(
    gate: Pair, tmp_path: Path
) -> None:
    """As one that connects by itself: before a request, and with nothing made for it."""
    with contextlib.ExitStack() as held:
        for _ in range(BOUND):
            held.enter_context(connected(gate.port, FOREIGN))
        assert wait_until(lambda: made(tmp_path) == "aaccjjrr")
        with connected(gate.port, PROXY) as client:
            client.send(v1(FOREIGN))
            assert client.read().status == 503
        assert made(tmp_path) == "aaaccjjjjrr"
