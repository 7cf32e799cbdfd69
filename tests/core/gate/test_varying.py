"""One screening for heads that differ in values that nothing goes by."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from hookgate.gate.gate import Gate
from hookgate.gate.varying import Varying
from hookgate.policy import make_head
from support.core_gate import PEER, deliver, endpoint, in_gate, of, reload, soon
from support.events import CLEAN

FIELDS = [(b"Host", b"gate"), (b"A", b"1"), (b"Content-Type", b"application/json"), (b"B", b"2")]


def test_a_head_has_its_own_values_in_their_places() -> None:
    """In the fields and by name; all else is that of the one that was screened."""
    head = make_head(PEER, b"POST", b"/x", FIELDS, "1.0", "192.0.2.1", b"https")
    mine = Varying((1, 3), b"", None).head(head, [b"7", b"%b"])
    fields = [FIELDS[0], (b"A", b"7"), FIELDS[2], (b"B", b"%b")]
    assert mine == make_head(PEER, b"POST", b"/x", fields, "1.0", "192.0.2.1", b"https")
    assert head.fields == FIELDS


@pytest.mark.parametrize(
    ("template", "travelling", "made"),
    [
        (b"A: %b, B: %b, 100%%", None, b"A: 7, B: %b, 100%"),
        (b"B: %b", (1,), b"B: %b"),
        (b"100%%", (), b"100%"),
    ],
)
def test_what_travels_is_put_into_the_head_for_the_endpoint(
    template: bytes, travelling: tuple[int, ...] | None, made: bytes
) -> None:
    assert Varying((1, 3), template, travelling).upstream_head([b"7", b"%b"]) == made


@pytest.mark.parametrize("reloaded", [False, True])
def test_after_a_reload_too_an_event_goes_on_with_its_own_values(
    tmp_path: Path, reloaded: bool
) -> None:
    """Its head is screened anew as it came, not as the one that its screening was made of."""
    seen: list[bytes] = []

    async def act(gate: Gate) -> None:
        async with endpoint() as at:
            reload(gate, tmp_path, at.url)
            first = gate.begin(PEER)
            assert first.screen(make_head(PEER, b"POST", b"/", FIELDS)) is None
            screened = first.screened
            assert screened is not None
            assert screened.upstream_head is not None
            template = screened.upstream_head.replace(b"A: 1", b"A: %b")
            screened = replace(screened, varying=Varying((1,), template, None))
            second = gate.begin(PEER)
            assert second.apply_screening(screened, [b"7"]) is None
            if reloaded:
                reload(gate, tmp_path, at.url, **{"upstream.host": "other.example"})
            await soon(asyncio.gather(deliver(first, CLEAN), deliver(second, CLEAN)))
            seen.extend(sorted(at.heads, key=lambda head: b"A: 7" in head))

    records, _ = in_gate(tmp_path, act)
    assert [record["reason"] for record in of(records, "delivery")] == ["clean"] * 2
    for head, value in zip(seen, (b"1", b"7"), strict=True):
        assert b"\r\nA: " + value + b"\r\n" in head
        assert (b"\r\nHost: other.example\r\n" in head) is reloaded
        assert head.count(b"\r\nB: 2\r\n") == 1
