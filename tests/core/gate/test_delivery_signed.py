"""What a record says of an event that was signed."""

import asyncio
from pathlib import Path

import pytest

from hookgate.config.contracts import load_contract
from hookgate.gate.gate import Gate
from hookgate.policy import Head, make_head
from hookgate.settings import RouteSettings, SignatureSettings
from support.core_gate import PEER, Log, make_gate, run
from support.events import CLEAN
from support.ledger import Record, read_ledger
from support.receiver import receiving
from support.signatures import sign

SECRET = "a secret of these tests"


def head(*lines: str) -> Head:
    """A head with these fields behind the usual ones."""
    pairs = (line.encode().split(b": ", 1) for line in lines)
    fields = [(name, value) for name, value in pairs]
    usual = [(b"Host", b"gate"), (b"Content-Type", b"application/json")]
    return make_head(PEER, b"POST", b"/cm/events", [*usual, *fields])


def record_of(folder: Path, heads: list[Head], scheme: str) -> list[Record]:
    """The deliveries of these heads to a route of this scheme."""
    signature = SignatureSettings(scheme, (SECRET.encode(),), 300)
    route = RouteSettings("", "events", load_contract("cm-events"), signature=signature)

    async def session() -> None:
        gate: Gate = make_gate(upstream.url, folder, Log(), routes=(route,))
        for each in heads:
            await run(gate, CLEAN, each)
        await gate.close()

    with receiving() as upstream:
        asyncio.run(session())
    records = read_ledger(folder / "audit.jsonl")
    return [record for record in records if record["event"] == "delivery"]


@pytest.mark.parametrize("scheme", ["cm-email", "github"])
def test_an_id_that_came_before_is_recorded_and_passes(tmp_path: Path, scheme: str) -> None:
    """The provider may send an event again."""
    heads = [head(*sign(CLEAN, scheme, SECRET, identity=name)) for name in ("a", "b", "a")]
    found = record_of(tmp_path, heads, scheme)
    assert [(record["reason"], record["signature"]) for record in found] == [
        ("clean", "valid"),
        ("clean", "valid"),
        ("clean", "repeated"),
    ]


def test_an_id_counts_once_its_signature_is_right(tmp_path: Path) -> None:
    """Whoever cannot sign makes no event look repeated."""
    forged = head(*sign(CLEAN, "cm-email", "some other secret", identity="a"))
    right = head(*sign(CLEAN, "cm-email", SECRET, identity="a"))
    found = record_of(tmp_path, [forged, right], "cm-email")
    assert [(record["reason"], record.get("signature")) for record in found] == [
        ("signature_invalid", None),
        ("clean", "valid"),
    ]


def test_without_an_id_nothing_is_repeated(tmp_path: Path) -> None:
    """GitHub's is no part of what is signed."""
    bare = head(*sign(CLEAN, "github", SECRET, leave_out=["X-GitHub-Delivery"]))
    found = record_of(tmp_path, [bare, bare], "github")
    assert [record["signature"] for record in found] == ["valid", "valid"]


def test_a_route_without_signatures_records_none(tmp_path: Path) -> None:
    """The member is not there at all."""

    async def session() -> None:
        gate = make_gate(upstream.url, tmp_path, Log())
        await run(gate, CLEAN, head(*sign(CLEAN, "cm-email", SECRET)))
        await gate.close()

    with receiving() as upstream:
        asyncio.run(session())
    assert "signature" not in (tmp_path / "audit.jsonl").read_text()
