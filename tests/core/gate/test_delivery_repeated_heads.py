"""What is kept of a head serves every event behind it, and keeps nothing of any of them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hookgate.gate.answer import Answer
from hookgate.gate.gate import Gate
from hookgate.gate.state import Screened
from hookgate.policy import Head
from hookgate.settings import RouteSettings
from support.core_gate import Log, deliver, head, make_gate
from support.events import CLEAN, RCS, event
from support.ledger import Record, read_ledger
from support.receiver import receiving

# Each leaves something in its own record that no other may have.
BODIES = {
    "unknown": event(added=1, **{"from": {**RCS["from"], "added": 1}}),
    "broken": event(timeUtc="yesterday"),
    "no document": CLEAN[:-1],
    "clean": CLEAN,
}
OTHER_PATH = (RouteSettings("/other", "other", b"{}"),)
# A head that only an observed check lets pass, with what the configuration needs for it.
HEADS: dict[str, tuple[Head, dict[str, Any]]] = {
    "none": (head(), {}),
    "method": (head(method=b"PUT"), {}),
    "route": (head(), {"routes": OTHER_PATH}),
    "media_type": (head(media_type=b""), {}),
}
ON_BODY = ("document", "contract")
# What differs between any two deliveries.
ITS_OWN = ("ts", "boot", "seq", "request_id", "duration_ms", "upstream_ms", "n", "prev")


def play(
    folder: Path, request: Head, keys: dict[str, Any], *, at_once: bool, repeated: bool
) -> list[Record]:
    """The records of the bodies twice over, behind one screened head or each behind its own."""

    async def session(url: str) -> None:
        gate = make_gate(url, folder, Log(), **keys)
        screened: Screened | None = None
        waiting: list[asyncio.Future[Answer]] = []
        for body in (*BODIES.values(), *BODIES.values()):
            screened, future = begin(gate, request, body, screened if repeated else None)
            waiting.append(future)
            if not at_once:
                await asyncio.wait_for(future, 10)
        await asyncio.wait_for(asyncio.gather(*waiting), 10)
        await gate.close()

    folder.mkdir()
    with receiving() as upstream:
        asyncio.run(session(upstream.url))
    found = [r for r in read_ledger(folder / "audit.jsonl") if r["event"] == "delivery"]
    return [
        {name: value for name, value in record.items() if name not in ITS_OWN}
        for record in sorted(found, key=lambda record: int(record["seq"]))
    ]


def begin(
    gate: Gate, request: Head, body: bytes, screened: Screened | None
) -> tuple[Screened | None, "asyncio.Future[Answer]"]:
    delivery = gate.begin(request.peer)
    answer = delivery.screen(request) if screened is None else delivery.apply_screening(screened)
    assert answer is None
    return delivery.screened, deliver(delivery, body)


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "in one turn"])
@pytest.mark.parametrize("on_body", [(), ("document",), ("contract",), ON_BODY], ids="+".join)
@pytest.mark.parametrize("on_head", HEADS)
def test_an_event_behind_a_kept_head_is_recorded_as_behind_its_own(
    tmp_path: Path, on_head: str, on_body: tuple[str, ...], at_once: bool
) -> None:
    """In each mode of observing: the findings of one event are in no other's record."""
    request, keys = HEADS[on_head]
    observed = [name for name in (on_head, *on_body) if name != "none"]
    keys = {**keys, **{f"checks.{name}": "observe" for name in observed}}
    fresh, kept = (
        play(tmp_path / str(repeated), request, keys, at_once=at_once, repeated=repeated)
        for repeated in (False, True)
    )
    assert kept == fresh
    assert kept[: len(BODIES)] == kept[len(BODIES) :]
    by_body = dict(zip(BODIES, kept, strict=False))
    assert bool(by_body["unknown"]["unknown_in"]) is (on_head != "route")
    assert by_body["clean"]["unknown_in"] == []
    assert len(by_body["clean"]["observed"]) == (on_head != "none")
