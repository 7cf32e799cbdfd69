"""A network between gate and store that is cut: a namespace of its own, and a real cable."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from support.cable import cut, mend, network
from support.fleet import Chain, Fleet
from support.raw import wait_until
from support.sidecar import HOOKGATE
from support.tcp_proxy import TcpProxy

HERE, THERE = "10.213.7.1", "10.213.7.2"


@pytest.fixture
def cable() -> Iterator[str]:
    """The name of a cable, and of the namespace that it leads to."""
    with network("hookgate-ship", HERE, THERE) as name:
        yield name


@pytest.mark.soak
def test_a_cable_that_is_cut_in_the_midst_loses_nothing(
    fleet: Fleet, tmp_path: Path, cable: str
) -> None:
    """Once while nothing is on its way, and once between a call and its answer: no packet says that
    the connection ended.
    """
    ledger = tmp_path / "audit.jsonl"
    proxy = TcpProxy(fleet.server.port, HERE)
    dsn = make_conninfo(fleet.gate(), host=HERE, hostaddr=HERE, port=proxy.port)
    (tmp_path / "gate.dsn").write_text(dsn)
    (tmp_path / "gate.dsn").chmod(0o600)
    (tmp_path / "hookgate.toml").write_text(
        '[audit]\npath = "audit.jsonl"\n[fleet]\nname = "amsterdam"\ndsn_file = "gate.dsn"\n'
    )
    chain = Chain(ledger)
    chain.add(3)
    log = tmp_path / "log"

    def received() -> int:
        return int(fleet.sql("SELECT coalesce(sum(lines), 0) FROM hookgate.segment")[0][0])

    def said(event: str) -> int:
        return log.read_text().count(f'"{event}"')

    command = ["ip", "netns", "exec", cable, HOOKGATE, "ship"]
    with log.open("w") as stream:
        process = subprocess.Popen(command, cwd=tmp_path, stderr=stream)
    try:
        assert wait_until(lambda: received() == 3, 60), log.read_text()
        for number, delay in enumerate((0.0, 3.0), 1):
            proxy.delay = delay
            carried = proxy.carried
            chain.add(5)
            if delay:  # what was sent is there, and its answer under way
                assert wait_until(lambda: received() == chain.n, 60)
            cut(cable)
            proxy.delay = 0.0
            chain.add(5)
            assert wait_until(lambda n=number: said("ship.away") == n, 60), log.read_text()  # type: ignore[misc]  # bound now
            mend(cable)
            assert wait_until(lambda: received() == chain.n, 60), log.read_text()
            assert proxy.carried > carried
        assert fleet.bytes_of("b1") == ledger.read_bytes()
        assert fleet.findings() == []
    finally:
        process.terminate()
        process.wait(30)
        proxy.close()
