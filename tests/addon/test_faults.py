"""A fault anywhere in the addon: nothing upstream that was not judged, a record, and on it goes."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.events import CLEAN
from support.mitmdump import DEAD_END, Running, mitmdump, running_mitmdump
from support.raw import ask, connected, post, wait_until
from support.receiver import receiving
from support.sidecar import FOREIGN

CANARY = "0031699999999"

# Makes the named function raise, the first `times` times, with a value in the message.
BREAKING = f"""
import importlib
module, owner, name, times = {{where!r}}
target = importlib.import_module(module)
target = getattr(target, owner) if owner else target
original = getattr(target, name)
def broken(*arguments, **options):
    global times
    times -= 1
    if times < 1:
        setattr(target, name, original)
    raise ValueError("{CANARY}")
setattr(target, name, broken)
import sys
sys.broken = target, name, original
result = True
"""
RESTORE = """
import sys
target, name, original = sys.broken
setattr(target, name, original)
result = True
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Whose own lines tell nothing of what its faults' messages held; mitmproxy's do."""
    with running_mitmdump(tmp_path_factory.mktemp("gate"), **{"request.max_body": "4KiB"}) as it:
        yield it
    ours = [line for line in it.gate.log.whole().splitlines() if line.startswith("{")]
    assert CANARY not in "".join(ours) + it.gate.audit.read_text()


ADDON = "hookgate_addon.addon"
STEPS = {
    "begin": ("hookgate.gate.gate", "Gate", "begin", 1),
    "peer": (ADDON, "", "peer_of", 1),
    "head": (ADDON, "", "head_of", 1),
    "bounds": (ADDON, "", "is_too_large", 1),
    "screen": ("hookgate.policy", "Policy", "screen", 1),
    "judge": ("hookgate.policy", "Policy", "parse", 1),
    "contract": ("hookgate.policy", "Contract", "is_plain", 1),
    "forwarding": ("hookgate.gate.judging", "", "upstream_head", 1),
    "record-forward": ("hookgate.ledger.writing.journal", "Journal", "forward", 1),
    "send": ("hookgate.upstream.pool", "UpstreamPool", "send", 1),
    "deliver": ("hookgate.gate.delivery", "Delivery", "deliver", 1),
    "exchange": ("hookgate_addon.exchange", "Exchanges", "run", 1),
    "first-response": (ADDON, "", "response_of", 1),
}


@pytest.mark.parametrize("where", STEPS.values(), ids=STEPS.keys())
def test_a_fault_on_the_way_in_is_closed_recorded_and_survived(
    running: Running, where: tuple[str, str, str, int]
) -> None:
    """The request that met the fault is answered 503 and reaches nobody."""
    traces = running.traces()
    running.gate.run_inside(BREAKING.format(where=where))
    assert ask(running.port, post(CLEAN)).status == 503
    assert traces.seen == []
    assert traces.delivery()["reason"] == "gate_error"
    assert ask(running.port, post(CLEAN)).status == 200
    assert len(traces.seen) == 1
    reasons = [record["reason"] for record in traces.deliveries(2)]
    assert reasons == ["gate_error", "clean"]
    assert running.gate.opened() == []
    running.gate.log.lines("gate.fault")


def test_a_fault_while_making_the_answer_does_not_cost_it(running: Running) -> None:
    """What the upstream took is answered 200 all the same, once, and recorded as delivered."""
    traces = running.traces()
    running.gate.run_inside(BREAKING.format(where=(ADDON, "", "fill_response", 1)))
    assert [ask(running.port, post(CLEAN)).status for _ in range(2)] == [200, 200]
    assert len(traces.seen) == 2
    assert [record["reason"] for record in traces.deliveries(2)] == ["clean", "clean"]


def test_a_fault_while_making_a_refusal_refuses(running: Running) -> None:
    """A refused head whose answer could not be made at first is answered as it was recorded."""
    traces = running.traces()
    running.gate.run_inside(BREAKING.format(where=(ADDON, "", "response_of", 1)))
    assert [ask(running.port, post(CLEAN), FOREIGN).status for _ in range(2)] == [403, 403]
    assert traces.untouched
    assert [r["reason"] for r in traces.deliveries(2)] == ["source_not_allowed"] * 2


@pytest.mark.parametrize("hook", ["response", "error", "client_disconnected", "_forget"])
def test_a_fault_in_what_only_follows_an_answer_is_survived(running: Running, hook: str) -> None:
    """Answers and records are as they should be."""
    traces = running.traces()
    running.gate.run_inside(BREAKING.format(where=(ADDON, "HookgateAddon", hook, 3)))
    assert [ask(running.port, post(CLEAN)).status for _ in range(2)] == [200, 200]
    with connected(running.port) as client:
        client.send(post(CLEAN)[:-1])
    assert [r["outcome"] for r in traces.deliveries(3)] == ["delivered", "delivered", "aborted"]
    assert len(traces.seen) == 2
    running.gate.run_inside(RESTORE)
    assert ask(running.port, post(CLEAN)).status == 200


def test_without_its_first_hook_nothing_passes(running: Running) -> None:
    """What was not screened is refused when its body is there, and recorded once."""
    traces = running.traces()
    running.gate.run_inside(BREAKING.format(where=(ADDON, "HookgateAddon", "requestheaders", 1)))
    assert ask(running.port, post(CLEAN)).status == 503
    assert traces.untouched
    assert running.only_record(traces)["reason"] == "gate_error"


def test_without_its_request_hook_nothing_passes(running: Running) -> None:
    """mitmproxy goes on with the request to its dead upstream: 502, and a record."""
    traces = running.traces()
    running.gate.run_inside(BREAKING.format(where=(ADDON, "HookgateAddon", "request", 3)))
    assert [ask(running.port, post(CLEAN)).status for _ in range(3)] == [502] * 3
    assert traces.untouched
    assert set(running.gate.opened()) == {DEAD_END}
    assert ask(running.port, post(CLEAN)).status == 200
    reasons = [record["reason"] for record in traces.deliveries(4)]
    assert reasons == ["gate_error"] * 3 + ["clean"]


def test_a_fault_in_the_second_by_second_work_is_survived(tmp_path: Path) -> None:
    """The ticks go on: a rotation after the fault is followed."""
    patch = BREAKING.format(where=("hookgate.ledger.writing.journal", "Journal", "tick", 1))
    with receiving() as upstream, mitmdump(upstream.url, tmp_path, patch=patch) as gate:
        gate.log.lines("gate.fault")
        gate.audit.rename(tmp_path / "old.jsonl")
        assert wait_until(gate.audit.exists)
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
        assert CANARY not in gate.log.whole()


def test_a_fault_while_starting_starts_nothing(tmp_path: Path) -> None:
    """A gate that cannot be made lets nothing pass."""
    patch = BREAKING.format(where=("hookgate_addon.lifecycle", "", "Gate", 1))
    with receiving() as upstream:
        with pytest.raises(AssertionError, match="no port"):
            mitmdump(upstream.url, tmp_path, patch=patch).__enter__()
        assert upstream.seen == []


# Another `-s` script that raises, or answers and raises, where it is told to.
FOREIGN_SCRIPT = f"""
from mitmproxy import http
ACTS = {{acts!r}}
def act(hook, flow):
    for name in ACTS:
        if name == hook:
            raise ValueError("{CANARY}")
        if name == hook + "+answer":
            flow.response = http.Response.make(200)
            raise ValueError("{CANARY}")
def requestheaders(flow): act("requestheaders", flow)
def request(flow): act("request", flow)
def response(flow): act("response", flow)
def error(flow): act("error", flow)
"""


@pytest.mark.parametrize(
    ("acts", "status"),
    [
        (["requestheaders"], 503),
        (["request"], 502),
        (["requestheaders", "request"], 502),
        (["requestheaders+answer", "request"], 200),
    ],
    ids=lambda acts: "-".join(acts) if isinstance(acts, list) else "",
)
def test_what_a_script_listed_first_keeps_from_the_gate_is_recorded(
    running: Running, tmp_path: Path, acts: list[str], status: int
) -> None:
    """mitmproxy calls no script behind one that raises: nothing passes, and there is a record."""
    traces = running.traces()
    with another_script(running, tmp_path, acts, "[other, *scripts]"):
        running.gate.log.lines("addon.not_first")
        for _ in range(2):
            assert ask(running.port, post(CLEAN)).status == status
        assert [record["reason"] for record in traces.deliveries(2)] == ["gate_error"] * 2
        assert traces.untouched
    assert ask(running.port, post(CLEAN)).status == 200
    assert traces.deliveries(3)[-1]["reason"] == "clean"


def test_a_script_listed_behind_it_takes_nothing_from_the_gate(
    running: Running, tmp_path: Path
) -> None:
    """Whatever it raises: the gate was called before."""
    traces = running.traces()
    warned = running.gate.log_by_now().count("addon.not_first")
    acts = ["requestheaders", "request", "response", "error"]
    with another_script(running, tmp_path, acts, "[*scripts, other]"):
        assert ask(running.port, post(CLEAN)).status == 200
        assert ask(running.port, post(b"[]")).status == 400
        assert [r["reason"] for r in traces.deliveries(2)] == ["clean", "not_an_object"]
    assert running.gate.log_by_now().count("addon.not_first") == warned


@contextlib.contextmanager
def another_script(running: Running, folder: Path, acts: list[str], order: str) -> Iterator[None]:
    """Load one that acts so, in this order with those that are there, for as long as this."""
    other = folder / "other.py"
    other.write_text(FOREIGN_SCRIPT.format(acts=acts))
    code = "scripts, other = list(ctx.options.scripts), {!r}; ctx.options.scripts = {}; result = 1"
    running.gate.run_inside(code.format(str(other), order))
    try:
        yield
    finally:
        running.gate.run_inside(code.format(str(other), "[s for s in scripts if s != other]"))
