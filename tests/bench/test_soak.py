"""The soak: what its verdict finds broken, and what its senders tell of a server."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bench.soak.__main__ import ACTS, shares
from bench.soak.chaos import Chaos
from bench.soak.endpoint import ANSWERS
from bench.soak.senders import KINDS
from bench.soak.senders.clean import Clean, send
from bench.soak.senders.crowd import play
from bench.soak.site import CLEAN, PROXY, STRANGER, Site, event, mark_of
from bench.soak.verdict import Found, is_stranger, judge, render

REFUSED, PASSED = "stranger: clean events", "endpoint: answers twice"


def came_back(name: str, *statuses: str) -> dict[str, Any]:
    return {name: {"begun": len(statuses), "held_back": 0, "came_back": Counter(statuses)}}


def whole_run() -> Found:
    """A run of 100 s in which every promise was kept."""
    answers = {f"event {number}": (200, float(number)) for number in range(100)}
    return Found(
        100,
        Clean(answers | {"refused": (502, 50.0)}, {"cut": 20.0}, [5_000] * 101, [0] * 101),
        came_back(REFUSED, "403", "held")
        | came_back(PASSED, "200")
        | came_back("allowed: deep nesting", "503", "400"),
        done=Counter({"workers killed": 1}),
        outages=[(48.0, 49.5)],
        seen=Counter([*answers]),
        forwarded=set(answers),
        stranger_lines=1_000,
        probes=[0.1] * 100,
        memory_at_end=[40.0, 50.0],
        peak=120,
    )


def seen_twice(found: Found) -> None:
    found.seen["cut"] = 2
    found.forwarded.add("cut")


def answered_and_never_seen(found: Found) -> None:
    found.seen.pop("event 3")


def seen_and_unrecorded(found: Found) -> None:
    found.forwarded.remove("event 3")


def late(found: Found) -> None:
    found.clean.latencies_us[:2] = [100_000, 100_000]


def refused_for_nothing(found: Found) -> None:
    found.clean.answers["refused"] = (503, 60.0)


def many_unanswered(found: Found) -> None:
    found.clean.unanswered.update({f"cut {number}": 20.0 for number in range(32)})


def stranger_passed(found: Found) -> None:
    found.kinds |= came_back(REFUSED, "200")


def told_nothing(found: Found) -> None:
    found.kinds |= came_back("allowed: deep nesting", "closed", "503")


BREAKS: dict[str, tuple[Callable[[Found], object], str]] = {
    "late": (late, "p99 of clean events"),
    "lost": (answered_and_never_seen, "had reached the endpoint once"),
    "doubled": (seen_twice, "reached it twice"),
    "refused": (refused_for_nothing, "is refused only while"),
    "unanswered": (many_unanswered, "go unanswered"),
    "unrecorded": (seen_and_unrecorded, "is in the ledger"),
    "unbalanced": (lambda found: setattr(found, "balances", False), "balances"),
    "unchained": (lambda found: setattr(found, "holds", False), "chain holds"),
    "written full": (lambda found: setattr(found, "stranger_lines", 12_000), "strangers get"),
    "passed": (stranger_passed, "nothing hostile"),
    "untold": (told_nothing, "is told why"),
    "unprobed": (lambda found: setattr(found, "probes", [None] * 3 + [0.1] * 97), "a probe"),
    "fat": (lambda found: setattr(found, "memory_at_end", [40, 60.1]), "keeps at most"),
    "swollen": (lambda found: setattr(found, "peak", 257), "takes at most"),
    "too many": (lambda found: setattr(found, "workers_at_end", 3), "2 workers at the end"),
    "multiplied": (lambda found: setattr(found, "most_workers", 5), "2 workers at the end"),
    "halted": (lambda found: setattr(found, "still_stopped", [7]), "no halted worker"),
    "failed": (lambda found: setattr(found, "status", 1), "stops with 0"),
}


def test_of_a_run_that_kept_them_every_promise_is_said_to_be_kept() -> None:
    found = whole_run()
    assert [promise for promise in judge(found) if not promise.kept] == []
    assert "BROKEN" not in render(found, judge(found))


@pytest.mark.parametrize(("spoil", "what"), BREAKS.values(), ids=BREAKS)
def test_a_broken_promise_is_named_and_no_other(
    spoil: Callable[[Found], object], what: str
) -> None:
    found = whole_run()
    spoil(found)
    (broken,) = [promise for promise in judge(found) if not promise.kept]
    assert what in broken.what
    assert f"BROKEN  {broken.what}: {broken.found}" in render(found, judge(found))


def test_before_a_slow_answer_it_says_what_was_done() -> None:
    found = whole_run()
    found.clean.latencies_us[50] = 2_000_000
    found.times = [(1.0, "rolled"), (47.0, "killed")]
    assert "slow: 2000 ms; killed 3.0 s before" in render(found, judge(found)).splitlines()


def test_each_promise_can_be_broken() -> None:
    assert all(
        any(what in promise.what for _, what in BREAKS.values()) for promise in judge(whole_run())
    )


@pytest.mark.parametrize(
    ("client", "foreign"), [(CLEAN, False), (STRANGER, True), (PROXY, True), (None, True)]
)
def test_whoever_is_not_known_to_be_allowed_is_foreign(client: str | None, foreign: bool) -> None:
    assert is_stranger({"event": "delivery", "client": client}) is foreign
    assert not is_stranger({"event": "forward", "client": client})


def test_the_endpoint_knows_every_mark() -> None:
    for mark in ANSWERS:
        assert mark_of(event(mark)) == mark
    marks = {
        mark_of(step)
        for kind in KINDS.values()
        if kind.name.startswith("endpoint:")
        for step in kind.script()
        if isinstance(step, bytes)
    }
    assert marks == set(ANSWERS) - {""}


def test_every_act_has_its_name() -> None:
    chaos = Chaos(None, _NoEndpoint())  # type: ignore[arg-type]  # nothing is done here
    assert set(ACTS) == {*chaos.halting, *chaos.harmless}


class _NoEndpoint:
    async def outage(self) -> None: ...


def test_a_site_without_a_kind_gets_no_time() -> None:
    assert sum(shares([*KINDS]).values()) == pytest.approx(1)
    assert shares([REFUSED, "rolls"]) == {Site.DIRECT: 1}
    assert shares(["proxied: headers held"]) == {Site.BEHIND_PROXY: 1}
    assert shares(["rolls"]) == {Site.DIRECT: 1}


REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


async def serving(answer: bytes, load: Callable[[int], Awaitable[Any]]) -> tuple[Any, Counter[str]]:
    """What the load says of a server that answers each request so and then closes; its peers."""
    peers = Counter[str]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers[writer.get_extra_info("peername")[0]] += 1
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        return await load(server.sockets[0].getsockname()[1]), peers


@pytest.mark.parametrize(("answer", "word"), [(REFUSAL, "403"), (b"", "closed")])
def test_a_crowd_tells_what_came_back(answer: bytes, word: str) -> None:
    kind = "stranger: broken HTTP"
    told, peers = asyncio.run(serving(answer, lambda port: play(port, 0.5, [kind])))
    assert told[kind]["came_back"][word] >= 5
    assert sum(told[kind]["came_back"].values()) <= told[kind]["begun"]
    assert set(peers) == {STRANGER}


def test_a_clean_sender_tells_the_answers_and_comes_through_the_proxy_too() -> None:
    told, peers = asyncio.run(serving(OK, lambda port: send(Site.DIRECT, port, 40, 0.5)))
    assert Counter(status for status, _ in told.answers.values()) == {200: 20}
    assert len(told.latencies_us) == len(told.late_us) == 20
    assert not told.unanswered
    assert set(peers) == {CLEAN, PROXY}


def test_an_event_whose_connection_ends_is_unanswered() -> None:
    told, _ = asyncio.run(serving(b"", lambda port: send(Site.DIRECT, port, 40, 0.25)))
    assert len(told.unanswered) == 10
    assert not told.answers
