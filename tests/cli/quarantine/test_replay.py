"""`hookgate quarantine replay`: a plan, and what comes of it at a real endpoint."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hookgate.gate.gate import Gate
from hookgate.policy import make_head
from support.calling import Call
from support.core_gate import PEER, head, in_gate, run
from support.ledger import assert_balanced, assert_chained
from support.receiver import Receiver, receiving
from support.replays import OBSERVE, WHY, Kept, refused


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def kept(tmp_path: Path, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """A quarantine in the folder of the calls, whose contract was too strict and is mended."""
    made = Kept(tmp_path, endpoint.url)
    monkeypatch.setenv("HOOKGATE_QUARANTINE_IDENTITY", str(made.identity))
    return made


def reports(said: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The items and the summary of --json."""
    *items, summary = map(json.loads, said.splitlines())
    return items, summary


def test_what_is_planned_arrives_once_as_it_came(
    call: Call, kept: Kept, endpoint: Receiver
) -> None:
    bodies = [refused(number) for number in range(5)]
    request = make_head(
        PEER,
        b"POST",
        b"/cm/events?token=1",
        [(b"Host", b"gate"), (b"Content-Type", b"application/json"), (b"X-Trace", b"7")],
    )
    records = kept.keep(bodies, request)
    planned = call("quarantine", "replay")
    assert planned.status == 0
    named = re.search(r"5 to be sent \((.*) and 1 more; --json has all\)", planned.out)
    assert named
    oldest = [entry.name[:8] for entry in sorted(kept.entries(), key=lambda e: e.kept_at)]
    assert named[1].split(", ") == oldest[:4]
    assert endpoint.seen == []
    done = call("quarantine", "replay", *WHY, "--rate", "0")
    assert done.status == 0, done
    assert sorted(seen.body for seen in endpoint.seen) == bodies
    first = endpoint.seen[0]
    assert first.request_line == b"POST /cm/events?token=1 HTTP/1.1"
    assert first.values(b"X-Trace") == [b"7"]
    assert first.values(b"X-Forwarded-For") == [PEER.encode()]
    assert {seen.values(b"X-Hookgate-Replay")[0].decode() for seen in endpoint.seen} == {
        entry["replay_of"] for entry in kept.lines("forward")
    }
    assert kept.entries() == []
    assert Counter(r["kept"] for r in kept.released()) == Counter(r["kept"] for r in records)
    for line in (*kept.lines("forward"), *kept.lines("delivery")):
        assert line["why"] == "the contract was wrong"
        assert line["actor"]
    assert {r["cause"] for r in kept.released()} == {"replayed"}
    assert not any(line["answered"] for line in kept.lines("delivery"))
    assert_chained(kept.replays)
    assert assert_balanced(kept.replays) == {"delivered": 5}
    log = kept.replays.with_suffix(".log")
    log.write_text(done.err)
    verified = call("audit", "verify", "--against", str(log), "--json")
    assert (verified.status, verified.json["against"]["boots"]) == (0, 1)
    again = call("quarantine", "replay", *WHY)
    assert again.status == 0
    assert "no item" in again.err


def test_no_more_begin_in_a_second_than_asked_for(
    call: Call, kept: Kept, endpoint: Receiver
) -> None:
    kept.keep([refused(number) for number in range(5)])
    assert call("quarantine", "replay", *WHY, "--rate", "20").status == 0
    (start,), begun = kept.lines("start"), kept.lines("forward")
    # The first line may be late on a busy machine, but nothing begins before the gate does.
    times = [datetime.fromisoformat(line["ts"]) for line in (start, begun[-1])]
    assert (times[1] - times[0]).total_seconds() >= 0.2


def test_the_policy_of_now_judges(call: Call, kept: Kept, endpoint: Receiver) -> None:
    kept.keep([refused(1)])
    kept.configure()
    planned = call("quarantine", "replay")
    assert planned.status == 1
    assert "1 left: refused still, contract_violation" in planned.out
    done = call("quarantine", "replay", *WHY)
    assert done.status == 1
    assert endpoint.seen == []
    assert len(kept.entries()) == 1
    assert kept.lines("delivery") == []


def test_what_a_sender_retries_waits_for_it(call: Call, kept: Kept, endpoint: Receiver) -> None:
    kept.keep([refused(1)], tries=1)
    items, summary = reports(call("quarantine", "replay", "--json").out)
    assert [item["verdict"] for item in items] == ["retrying"]
    assert items[0]["until"]
    assert summary["plan"]["retrying"] == 1
    assert call("quarantine", "replay", *WHY).status == 1
    assert endpoint.seen == []
    assert call("quarantine", "replay", "--retrying", *WHY).status == 0
    assert len(endpoint.seen) == 1


def test_what_was_delivered_by_itself_is_released(
    call: Call, kept: Kept, endpoint: Receiver
) -> None:
    """The contract was mended, and the sender came again before anybody replayed."""
    kept.keep([refused(1), refused(2)])

    async def retry(gate: Gate) -> None:
        answer, _ = await run(gate, refused(1))
        assert answer.status == 200

    in_gate(kept.folder, retry, **{**kept.settings, **OBSERVE})
    planned = call("quarantine", "replay")
    assert planned.status == 0
    assert "1 to be sent" in planned.out
    assert "1 delivered already" in planned.out
    assert call("quarantine", "replay", *WHY).status == 0
    assert [seen.body for seen in endpoint.seen] == [refused(1), refused(2)]
    assert sorted(r["cause"] for r in kept.released()) == ["delivered", "replayed"]


def test_one_body_at_two_targets_is_two_events(call: Call, kept: Kept, endpoint: Receiver) -> None:
    targets = [b"/cm/events?a", b"/cm/events?b", b"/cm/other"]
    for target in targets:
        kept.keep([refused(1)], head()._replace(target=target))
    assert call("quarantine", "replay", "--limit", "1", *WHY).status == 1
    assert call("quarantine", "replay", *WHY).status == 0
    lines = sorted(seen.request_line.split()[1] for seen in endpoint.seen)
    assert lines == targets


def test_what_the_endpoint_refuses_stays(call: Call, kept: Kept, endpoint: Receiver) -> None:
    """Its 4xx is of the event: the others are sent, however many it refuses in a row."""
    kept.keep([refused(number) for number in range(9)])
    no = b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n"
    ok = endpoint.respond
    endpoint.respond = lambda seen: ok(seen) if seen.body == refused(8) else no
    done = call("quarantine", "replay", *WHY, "--json", "--rate", "0")
    items, summary = reports(done.out)
    assert done.status == 1
    assert Counter(item["end"] for item in items) == {"upstream_rejected": 8, "clean": 1}
    assert summary["released"] == 1
    assert len(kept.entries()) == 8
    endpoint.respond = ok
    assert call("quarantine", "replay", *WHY).status == 0
    assert Counter(seen.body for seen in endpoint.seen)[refused(8)] == 1


def test_filters_choose_what_is_sent(call: Call, kept: Kept, endpoint: Receiver) -> None:
    kept.keep([refused(number) for number in range(4)])
    digest = kept.entries()[0].name[:16]
    assert call("quarantine", "replay", "--reference", "ref-2", *WHY).status == 0
    assert [seen.body for seen in endpoint.seen] == [refused(2)]
    for option in (["--reason-code", "malformed_json"], ["--since", "2999-01-01"]):
        found = call("quarantine", "replay", *option)
        assert (found.status, found.out) == (0, "")
    limited = call("quarantine", "replay", "--limit", "2", "--json")
    assert reports(limited.out)[1]["plan"]["beyond_limit"] == 1
    chosen = reports(call("quarantine", "replay", "--sha256", digest.upper(), "--json").out)[0]
    assert all(item["sha256"].startswith(digest) for item in chosen)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--yes"], "--reason TEXT"),
        (["--yes", "--reason", " "], "--reason TEXT"),
        (["--yes", "--reason", "x" * 257], "257 characters"),
        (["--sha256", "xyz"], "is no SHA-256"),
        (["--since", "never"], "is no time"),
        (["--identity", "nothing.key"], "nothing.key cannot be read"),
        (["--identity", "hookgate.toml"], "has no secret key of age in line 1"),
    ],
)
def test_mistakes_are_told(call: Call, kept: Kept, arguments: list[str], says: str) -> None:
    kept.path.mkdir()
    result = call("quarantine", "replay", *arguments)
    assert result.status == 2
    assert says in result.err


def test_an_identity_is_asked_for(call: Call, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.keep([refused(1)])
    monkeypatch.delenv("HOOKGATE_QUARANTINE_IDENTITY")
    result = call("quarantine", "replay")
    assert result.status == 2
    assert "--identity FILE" in result.err
    kept.identity.chmod(0o604)
    assert "chmod o=" in call("quarantine", "replay", "--identity", str(kept.identity)).err
    kept.identity.chmod(0o622)
    refusal = call("quarantine", "replay", "--identity", str(kept.identity))
    assert refusal.status == 2
    assert "chmod g-w,o-rwx" in refusal.err
