"""Fewer descriptors than the bounds on connections may take: the bounds give way, and say so."""

import contextlib
import signal
from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate_sidecar.descriptors import OTHERS, fit, needed
from support.admin import ON, Admin
from support.events import CLEAN
from support.pair import paired
from support.process import descriptors
from support.raw import Client, ask, post, wait_until
from support.sidecar import ALLOWED, FOREIGN
from support.starved import timed

LIMIT = 256
UNDER = f"prlimit --nofile={LIMIT}:{LIMIT}"


@pytest.mark.parametrize("holder", [ALLOWED, FOREIGN], ids=["allowed", "foreign"])
def test_with_256_descriptors_and_300_connections_an_event_is_answered(
    holder: str, tmp_path: Path
) -> None:
    """503 where those who may send hold them all, 200 where strangers do; a probe gets in too."""
    with paired(tmp_path, under=UNDER, **ON) as pair, contextlib.ExitStack() as stack:
        [said] = pair.gate.log.lines("few_descriptors")
        assert '"limit": 256' in said
        assert "LimitNOFILE=1248" in said
        admin = Admin(pair.gate)
        for _ in range(300):
            stack.enter_context(Client(pair.port, holder).socket)
        for _ in range(3):
            status = timed("256 descriptors, 300 connections", pair.port, post(CLEAN)).status
            assert status == (503 if holder == ALLOWED else 200)
        assert admin.ready() == (200, [])
        assert descriptors(pair.gate.process.pid) <= LIMIT - 16
        stack.close()
        assert wait_until(lambda: ask(pair.port, post(CLEAN)).status == 200)
    assert "listener.cannot_accept" not in pair.gate.log.whole()


def test_each_worker_has_as_many(tmp_path: Path) -> None:
    """The limit is a process's; it is said once, by the supervisor."""
    keys = {"sidecar.workers": "2", "sidecar.max_connections": "600"}
    with paired(tmp_path, under=UNDER, **keys) as pair, contextlib.ExitStack() as stack:
        [said] = pair.gate.log.lines("sidecar.few_descriptors")
        assert f"LimitNOFILE={300 + 32 + 128 + OTHERS}" in said
        for _ in range(2 * LIMIT):
            stack.enter_context(Client(pair.port, ALLOWED).socket)
        assert timed("256 descriptors for each worker", pair.port, post(CLEAN)).status == 503
    assert "listener.cannot_accept" not in pair.gate.log.whole()


def test_a_reload_does_not_bring_back_what_there_is_no_room_for(tmp_path: Path) -> None:
    """It goes by as few as the start did."""
    with paired(tmp_path, under=UNDER) as pair, contextlib.ExitStack() as stack:
        pair.gate.process.send_signal(signal.SIGHUP)
        pair.gate.wait_for_log("gate.reload_applied")
        for _ in range(300):
            stack.enter_context(Client(pair.port, ALLOWED).socket)
        assert timed("the same after a reload", pair.port, post(CLEAN)).status == 503
    assert "listener.cannot_accept" not in pair.gate.log.whole()


def test_with_descriptors_enough_nothing_is_said_or_changed(tmp_path: Path) -> None:
    """A soft limit below the hard one is raised."""
    with paired(tmp_path, under="prlimit --nofile=256:4096") as pair:
        limits = Path(f"/proc/{pair.gate.process.pid}/limits").read_text()
        assert "1248" in next(line for line in limits.splitlines() if "open files" in line)
    assert "few_descriptors" not in pair.gate.log.whole()


@pytest.mark.parametrize("limit", [1247, 512, 256, 128, 64, 16])
def test_what_is_left_is_shared_by_senders_and_the_upstream(limit: int) -> None:
    """Never more than there is, as long as there is anything to share; never nothing."""
    config = load("/dev/null", {"upstream.url": "http://127.0.0.1:1"}, {})
    assert fit(config, needed(config)) is config
    fitted = fit(config, limit)
    assert fitted.sidecar.max_connections >= 8
    assert fitted.upstream.max_connections >= 4
    assert needed(fitted) <= max(limit, needed(fit(config, 0)))
    assert fitted.digest == config.digest
