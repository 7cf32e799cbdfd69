"""A fault anywhere in the sidecar: 503, recorded, nothing upstream, the next request is fine."""

from pathlib import Path

import pytest

from support.events import CLEAN
from support.ledger import assert_balanced, assert_chained
from support.raw import ask, post
from support.receiver import receiving
from support.sidecar import sidecar

CANARY = "0031699999999"

# Each makes the named function raise, once, with a value in the message.
BREAKING = f"""
import importlib
module, owner, name = {{where!r}}
target = importlib.import_module(module)
target = getattr(target, owner) if owner else target
original = getattr(target, name)
def broken(*arguments, **options):
    setattr(target, name, original)
    raise ValueError("{CANARY}")
setattr(target, name, broken)
"""

STEPS = {
    "parse-head": ("hookgate_sidecar.reader", "", "make_head"),
    "screen": ("hookgate.policy", "Policy", "screen"),
    "read-body": ("hookgate_sidecar.reader", "Reader", "on_body"),
    "message-complete": ("hookgate_sidecar.reader", "Reader", "on_message_complete"),
    "judge": ("hookgate.policy", "Policy", "parse"),
    "contract": ("hookgate.policy", "Contract", "is_plain"),
    "forwarding": ("hookgate.gate.judging", "", "upstream_head"),
    "record-forward": ("hookgate.ledger.writing.journal", "Journal", "forward"),
    "send": ("hookgate.upstream.pool", "UpstreamPool", "send"),
    "pump": ("hookgate_sidecar.connection", "Connection", "_pump"),
}


@pytest.mark.parametrize("where", STEPS.values(), ids=STEPS.keys())
def test_a_fault_on_the_way_in_is_closed_recorded_and_survived(
    tmp_path: Path, where: tuple[str, str, str]
) -> None:
    """The request that met the fault is answered 503 and reaches nobody."""
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, patch=BREAKING.format(where=where)) as gate,
    ):
        assert ask(gate.port, post(CLEAN)).status == 503
        assert upstream.seen == []
        assert ask(gate.port, post(CLEAN)).status == 200
        assert len(upstream.seen) == 1
        reasons = [record["reason"] for record in gate.wait_for_deliveries(2)]
        assert reasons == ["gate_error", "clean"]
        assert gate.stop() == 0
        assert_chained(gate.audit)
        assert assert_balanced(gate.audit) == {"failed": 1, "delivered": 1}
        assert "gate.fault" in gate.log.whole()
        assert CANARY not in gate.log.whole() + gate.audit.read_text()


@pytest.mark.parametrize(
    "where",
    [
        ("hookgate_sidecar.writer", "AnswerWriter", "render"),
        ("hookgate_sidecar.connection", "Connection", "_finish"),
    ],
    ids=["render", "finish"],
)
def test_a_fault_on_the_way_out_is_survived(tmp_path: Path, where: tuple[str, str, str]) -> None:
    """What the upstream took is answered 200 all the same, once, and recorded as delivered."""
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, patch=BREAKING.format(where=where)) as gate,
    ):
        assert [ask(gate.port, post(CLEAN)).status for _ in range(2)] == [200, 200]
        outcomes = [record["outcome"] for record in gate.wait_for_deliveries(2)]
        assert outcomes == ["delivered", "delivered"]
        assert gate.stop() == 0
        assert len(upstream.seen) == 2
        assert "gate.fault" in gate.log.whole()
        assert CANARY not in gate.log.whole()
