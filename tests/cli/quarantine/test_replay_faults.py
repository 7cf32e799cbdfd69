"""A replay that is killed, doubled, interrupted, or whose store, ledgers or endpoint are wrong."""

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hookgate.policy import Origin
from hookgate.quarantine.encryption import make_identity
from support.calling import Call
from support.ledger import assert_balanced, assert_chained, read_ledger
from support.quarantine import age, make_item, make_record, make_store, opened_store
from support.receiver import OK, Receiver, Seen, receiving
from support.replays import WHY, Kept, refused

FAST = (*WHY, "--rate", "0", "--json")


class Held:
    """An endpoint that answers at once so many requests, and the others once `free` is set."""

    def __init__(self, answered: int) -> None:
        self.free = threading.Event()
        self._left = answered
        self._lock = threading.Lock()

    def __call__(self, seen: Seen) -> bytes:
        with self._lock:
            self._left -= 1
            is_held = self._left < 0
        if is_held:
            self.free.wait(60)
        return OK


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def kept(tmp_path: Path, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """Four connections at most go to the endpoint."""
    made = Kept(tmp_path, endpoint.url, **{"upstream.max_connections": 4})
    monkeypatch.setenv("HOOKGATE_QUARANTINE_IDENTITY", str(made.identity))
    yield made
    made.close()


def wait_for(condition: Callable[[], Any]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def verdicts(said: str) -> Counter[str]:
    return Counter(json.loads(line)["verdict"] for line in said.splitlines()[:-1])


def bodies_of(endpoint: Receiver) -> Counter[bytes]:
    return Counter(seen.body for seen in endpoint.seen)


def check_crash_and_resume(kept: Kept, endpoint: Receiver, count: int, answered: int) -> None:
    """Kill a replay once so many are delivered, and go on: each arrives once, or is named."""
    kept.keep(map(refused, range(count)), tries=1)
    held = endpoint.respond = Held(answered)
    killed = kept.start("replay", "--retrying", *FAST)
    wait_for(lambda: len(kept.lines("delivery")) >= answered and len(endpoint.seen) > answered)
    killed.send_signal(signal.SIGKILL)
    killed.wait(60)
    held.free.set()
    forwarded = {line["sha256"] for line in kept.lines("forward")}
    delivered = {line["sha256"] for line in kept.lines("delivery")}
    doubtful = len(forwarded - delivered)
    assert doubtful > 0
    status, said, _ = kept.run("replay", "--retrying", "--json")
    plan = verdicts(said)
    assert status == 1
    assert plan["unknown"] == doubtful
    assert plan["send"] == count - len(forwarded)
    status, _, _ = kept.run("replay", "--retrying", *FAST)
    assert status == 1
    assert len(bodies_of(endpoint)) == count
    assert set(bodies_of(endpoint).values()) == {1}
    assert len(kept.entries()) == doubtful
    left = {entry.name[:64] for entry in kept.entries()}
    assert left == forwarded - delivered
    assert kept.run("replay", "--unknown", *FAST)[0] == 0
    assert sorted(bodies_of(endpoint).values()) == [1] * (count - doubtful) + [2] * doubtful
    assert kept.entries() == []
    # One that was recorded and not dropped is recorded again: each file counts once.
    assert len({line["kept"] for line in kept.released()}) == count
    assert_chained(kept.replays)


def test_a_killed_replay_is_gone_on_with(kept: Kept, endpoint: Receiver) -> None:
    check_crash_and_resume(kept, endpoint, 300, 120)


@pytest.mark.soak
def test_ten_thousand_and_a_killed_replay(kept: Kept, endpoint: Receiver) -> None:
    check_crash_and_resume(kept, endpoint, 10_000, 4_000)


def test_only_one_replays_at_a_time(kept: Kept, endpoint: Receiver) -> None:
    kept.keep(map(refused, range(3)))
    held = endpoint.respond = Held(0)
    first = kept.start("replay", *FAST)
    wait_for(lambda: endpoint.seen)
    for verb in (["replay", *FAST], ["purge", "--all", "--yes"]):
        status, _, told = kept.run(*verb)
        assert status == 1
        assert "another replay or purge is under way" in told
    held.free.set()
    assert first.wait(60) == 0
    assert set(bodies_of(endpoint).values()) == {1}


def test_ctrl_c_ends_it_in_good_order(kept: Kept, endpoint: Receiver) -> None:
    kept.keep(map(refused, range(20)))
    held = endpoint.respond = Held(3)
    process = kept.start("replay", *FAST)
    assert process.stdout is not None
    assert process.stderr is not None
    wait_for(lambda: len(endpoint.seen) > 3)
    process.send_signal(signal.SIGINT)
    assert "ending" in process.stderr.readline()
    held.free.set()
    summary = json.loads(process.stdout.read().splitlines()[-1])
    assert process.wait(60) == 1
    sent = len(endpoint.seen)
    assert 3 < sent < 20
    assert summary["stopped"] == "it was interrupted"
    assert (summary["untried"], summary["released"]) == (20 - sent, sent)
    assert assert_balanced(kept.replays) == {"delivered": sent}
    assert read_ledger(kept.replays)[-1]["event"] == "stop"
    assert len(kept.entries()) == 20 - sent


def test_an_endpoint_that_is_down_is_not_asked_for_all(kept: Kept, endpoint: Receiver) -> None:
    kept.keep(map(refused, range(20)))
    kept.configure(**{"upstream.url": "http://127.0.0.1:1", "checks.contract": "observe"})
    status, said, told = kept.run("replay", *FAST)
    assert status == 1
    assert "the endpoint failed 5 in a row, the last by upstream_unreachable" in told
    assert json.loads(said.splitlines()[-1])["ends"] == {"upstream_unreachable": 5}
    assert len(kept.lines("forward")) == 5
    assert len(kept.entries()) == 20
    kept.configure(**{"checks.contract": "observe"})
    assert kept.run("replay", *FAST)[0] == 0
    assert len(endpoint.seen) == 20


@pytest.mark.parametrize("status", [b"429", b"302"])
def test_an_endpoint_that_takes_no_more_is_not_asked_for_all(
    call: Call, kept: Kept, endpoint: Receiver, status: bytes
) -> None:
    """What it says of its load, and not of an event, is no reason to try the others at once."""
    kept.keep(map(refused, range(7)))
    endpoint.respond = lambda _: b"HTTP/1.1 %b No\r\nContent-Length: 0\r\n\r\n" % status
    result = call("quarantine", "replay", *FAST)
    assert "the endpoint failed 5 in a row, the last by upstream_rejected" in result.err
    assert json.loads(result.out.splitlines()[-1])["untried"] == 2
    assert len(kept.entries()) == 7


def test_the_wrong_identity_reads_nothing(call: Call, kept: Kept) -> None:
    kept.keep(map(refused, range(2)))
    kept.identity.write_text(make_identity()[0])
    result = call("quarantine", "replay")
    assert result.status == 2
    assert "the identity reads none of 2 items" in result.err


def test_what_no_gate_kept_is_not_sent(call: Call, kept: Kept, endpoint: Receiver) -> None:
    """Files that were altered, cut, swapped or made by another hand, or whose line is missing."""
    kept.keep(map(refused, range(5)))
    altered, cut, left, right, _ = (entry.path for entry in kept.entries())
    data = bytearray(altered.read_bytes())
    data[-1] ^= 1
    altered.write_bytes(data)
    cut.write_bytes(cut.read_bytes()[:-20])
    left.rename(left.with_suffix(".swap"))
    right.rename(left)
    left.with_suffix(".swap").rename(right)
    planted = make_item(1)._replace(request_id="0123456789abcdef-1")
    opened_store(kept.path).keep(planted, make_record(planted))
    planned = verdicts(call("quarantine", "replay", "--json").out)
    assert planned == {"damaged": 4, "unrecorded": 1, "send": 1}
    assert call("quarantine", "replay", *FAST).status == 1
    assert len(endpoint.seen) == 1
    shown = call("quarantine", "replay")
    assert "left: damaged, is no age file, or was cut off or altered" in shown.out
    assert "left: damaged, holds another item than its name says" in shown.out
    assert "1 left: no ledger says that a gate kept them" in shown.out
    kept.configure(**{"checks.contract": "observe", "checks.document": "observe"})
    assert call("quarantine", "replay", "--override", *FAST).status == 1
    assert [seen.body for seen in endpoint.seen][1:] == [planted.body]
    assert endpoint.seen[-1].values(b"X-Hookgate-Replay") == [b"0123456789abcdef-1"]


FORGED = "192.0.2.1\r\nX-Admin: yes"
HEAD = make_item(1).head


@pytest.mark.parametrize(
    "forged",
    [
        {"request_id": "1-1\r\nX-Admin: yes"},
        {"origin": Origin(FORGED, "192.0.2.1", (), None)},
        {"origin": Origin("192.0.2.1", FORGED, (), None)},
        {"origin": Origin("192.0.2.1", "192.0.2.1", (FORGED,), None)},
        {"head": HEAD._replace(scheme=b"http\r\nX-Admin: yes")},
    ],
    ids=["request_id", "peer", "client", "chain", "scheme"],
)
def test_an_item_cannot_write_a_head(
    call: Call, kept: Kept, endpoint: Receiver, forged: dict[str, Any]
) -> None:
    """What a planted item says of itself goes into no field, whatever is overridden."""
    planted = make_item(1)._replace(**{"request_id": "0123456789abcdef-1", **forged})
    opened_store(kept.path).keep(planted, make_record(planted))
    kept.configure(**{"checks.contract": "observe", "checks.document": "observe"})
    said = call("quarantine", "replay", "--override", *FAST).out
    assert verdicts(said) == {"damaged": 1}
    assert endpoint.seen == []


def test_a_planted_file_without_an_end_is_not_read(
    call: Call, kept: Kept, endpoint: Receiver
) -> None:
    kept.keep([refused(1), refused(2)])
    with kept.entries()[0].path.open("r+b") as file:
        file.truncate(1 << 40)
    assert verdicts(call("quarantine", "replay", "--json").out) == {"send": 1, "damaged": 1}


def test_with_a_seal_key_only_proven_lines_count(
    call: Call, kept: Kept, endpoint: Receiver
) -> None:
    key = kept.folder / "seal.key"
    key.write_text("0123456789abcdef0123456789abcdef\n")
    key.chmod(0o600)
    kept.settings["audit.seal_key_file"] = str(key)
    kept.configure(**{"checks.contract": "observe"})
    line = kept.keep([refused(1)])[0]
    planted = make_item(2)._replace(request_id="0123456789abcdef-1")
    store = opened_store(kept.path)
    forged = {**line, "kept": store.keep(planted, make_record(planted)), "path": "/hook"}
    forged["sha256"] = make_record(planted)["sha256"]
    with kept.audit.open("a") as ledger:
        ledger.write(json.dumps(forged, separators=(",", ":")) + "\n")
    assert verdicts(call("quarantine", "replay", "--json").out) == {"send": 1, "unrecorded": 1}


@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "rotated"])
def test_ledgers_that_are_not_where_they_were(
    call: Call, kept: Kept, endpoint: Receiver, is_gone: bool
) -> None:
    kept.keep([refused(1)])
    aside = kept.folder / ("elsewhere" if is_gone else "audit.jsonl.1")
    kept.audit.rename(aside)
    planned = call("quarantine", "replay", "--json")
    assert verdicts(planned.out) == {"unrecorded" if is_gone else "send": 1}
    if is_gone:
        assert "no ledger tells of any item" in planned.err
        assert call("quarantine", "replay", *FAST).status == 1
        assert endpoint.seen == []
        named = call("quarantine", "replay", "--log", str(aside), "--json")
        assert verdicts(named.out) == {"send": 1}
        assert call("quarantine", "replay", "--override", *FAST).status == 0
        assert len(endpoint.seen) == 1


def test_what_a_replay_said_counts_without_the_other_ledgers(
    call: Call, kept: Kept, endpoint: Receiver
) -> None:
    """And where its own ledger is gone, that may have said that an item arrived."""
    kept.keep([refused(1)])
    endpoint.respond = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: \n\0\r\n\r\n"
    assert call("quarantine", "replay", *FAST).status == 1  # upstream_invalid
    elsewhere = kept.folder / "elsewhere"
    kept.audit.rename(elsewhere)
    assert call("quarantine", "replay", "--override", *FAST).status == 1
    elsewhere.rename(kept.audit)
    kept.replays.rename(elsewhere)
    assert "audit.replay.jsonl is gone, by its state file" in call("quarantine", "replay").err
    result = call("quarantine", "replay", *FAST)
    assert (result.status, "a part of the ledgers cannot be read" in result.err) == (1, True)
    assert len(endpoint.seen) == 1
    elsewhere.rename(kept.replays)
    assert verdicts(call("quarantine", "replay", "--json").out) == {"unknown": 1}
    kept.replays.rename(elsewhere)
    state = kept.folder / "audit.replay.state"
    age(state)  # so the last replay was before anything was kept
    assert call("quarantine", "replay").status == 0
    age(state, -240)
    endpoint.respond = lambda _: OK
    assert call("quarantine", "replay", "--override", *FAST).status == 0
    assert len(endpoint.seen) == 2


def test_a_ledger_that_is_damaged_may_say_that_it_arrived(
    call: Call, kept: Kept, endpoint: Receiver
) -> None:
    kept.keep([refused(1)])
    lines = kept.audit.read_bytes().splitlines(keepends=True)
    kept.audit.write_bytes(b"".join([lines[0], b"\0" * 100 + b"\n", *lines[1:]]))
    assert call("quarantine", "replay").status == 1
    result = call("quarantine", "replay", *FAST)
    assert result.status == 1
    assert "a part of the ledgers cannot be read" in result.err
    assert endpoint.seen == []
    assert call("quarantine", "replay", "--override", *FAST).status == 0


def test_a_claim_that_a_crash_left_is_recorded_and_dropped(
    call: Call, kept: Kept, endpoint: Receiver
) -> None:
    kept.keep(map(refused, range(2)))
    store = make_store(kept.path, public=None)
    claim = store.claim(next(iter(store.entries())), "replayed")
    assert claim is not None
    claim.close()
    assert call("quarantine", "replay", *FAST).status == 0
    assert len(endpoint.seen) == 1
    assert kept.entries() == []
    assert sorted(line["cause"] for line in kept.released()) == ["replayed", "replayed"]


def test_what_may_have_arrived_is_sent_if_that_is_asked_for(
    call: Call, kept: Kept, endpoint: Receiver
) -> None:
    """The endpoint took it and said nothing in time."""
    kept.keep([refused(1)])
    kept.configure(**{"upstream.timeout": "100ms", "checks.contract": "observe"})
    held = endpoint.respond = Held(0)
    result = call("quarantine", "replay", *WHY)
    assert result.status == 1
    assert "1 left: upstream_timeout, which may have been delivered" in result.out
    held.free.set()
    assert verdicts(call("quarantine", "replay", "--json").out) == {"unknown": 1}
    assert call("quarantine", "replay", "--unknown", *WHY).status == 0
    assert len(endpoint.seen) == 2
