"""The addon where mitmproxy's own streams are full, and where a name is not looked up."""

import signal
import subprocess
from pathlib import Path

import pytest

from support.events import CLEAN
from support.ledger import assert_chained
from support.raw import ask, connected, post
from support.receiver import receiving
from support.starved import full_pipe, starved_mitmdump, timed

# mitmproxy warns of it.
NO_TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(700)


@pytest.mark.slow
def test_mitmproxys_log_that_nobody_reads_holds_up_nobody(tmp_path: Path) -> None:
    """Neither what mitmproxy says of broken requests on standard output, nor ours on error."""
    with (
        receiving() as upstream,
        full_pipe() as out,
        full_pipe() as error,
        starved_mitmdump(upstream.url, tmp_path, stdout=out.writer, stderr=error.writer) as gate,
    ):
        for _ in range(3):
            with connected(gate.port) as client:
                client.send(NO_TLS)
                client.read_rest()
        assert timed("mitmproxy's streams are full pipes", gate.port, post(CLEAN)).status == 200
        gate.process.send_signal(signal.SIGTERM)
        assert gate.process.wait(30) == 0
    assert_chained(gate.audit)


def test_a_ledger_that_is_a_full_pipe_is_503(tmp_path: Path) -> None:
    """It is standard output, which mitmproxy has too."""
    with (
        receiving() as upstream,
        full_pipe() as pipe,
        starved_mitmdump(
            upstream.url, tmp_path, stdout=pipe.writer, stderr=subprocess.DEVNULL,
            **{"audit.path": "-"},
        ) as gate,
    ):  # fmt: skip
        pipe.fill()
        while timed("the addon's ledger fills", gate.port, post(CLEAN)).status == 200:
            pass
        assert timed("the addon's ledger is a full pipe", gate.port, post(CLEAN)).status == 503
        pipe.drain(b'"event":"refusals"')
        assert ask(gate.port, post(CLEAN)).status == 200
