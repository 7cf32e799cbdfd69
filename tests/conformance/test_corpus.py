"""The corpus keeps its own rules, and leaves no reason out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hookgate.policy import Outcome, Reason
from hookgate.samples import CONTRACTS, documented_events, documented_samples
from support.corpus import CorpusError, cases, corpus, make_case, setups
from support.crafting import craft

TESTS = Path(__file__).parents[1]

# What no single request of any client brings about, and the test that does.
UNREACHABLE = {
    # More connections than are allowed have to be open at once.
    Reason.OVERLOADED: "sidecar/test_connections.py",
    # The ledger's disk has to fail.
    Reason.AUDIT_UNAVAILABLE: "ledger/test_full_disk.py",
    # An exception has to be injected.
    Reason.GATE_ERROR: "sidecar/test_faults.py",
}

# The least that a case can say.
GIVEN: dict[str, Any] = {"id": "x", "why": "A case.", "verdict": "delivered 200 clean"}


def test_ids_are_unique() -> None:
    """Two cases of one name could not be told apart in a report."""
    ids = [case.id for case in corpus()]
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("reason", [pytest.param(reason, id=reason.code) for reason in Reason])
def test_every_reason_has_a_case(reason: Reason) -> None:
    """A reason that a client can bring about has a case; another names the test that does it."""
    found = [case for case, expected in cases("sidecar") if expected.reason is reason]
    if reason in UNREACHABLE:
        assert found == []
        assert f'"{reason.code}"' in (TESTS / UNREACHABLE[reason]).read_text(encoding="utf-8")
    else:
        assert found != []


def test_verdicts_are_those_of_their_reasons() -> None:
    """Outcome and status, written out in the corpus, are those that the code gives the reason."""
    for case in corpus():
        for expected in case.expected.values():
            reason = expected.reason
            assert expected.outcome is reason.outcome, case.id
            relayed = reason is Reason.CLEAN and case.setup.relays
            if case.kept and expected.record.get("custody"):
                assert expected.status in (Reason.CLEAN.status, reason.status), case.id
            elif reason is not Reason.UPSTREAM_REJECTED and not relayed:
                assert expected.status == reason.status, case.id


def test_a_rejection_has_the_status_and_the_body_that_the_upstream_gave() -> None:
    """Nothing is compared with an answer that the upstream does not make."""
    rejected = [
        (case, expected)
        for case, expected in cases("sidecar")
        if expected.reason is Reason.UPSTREAM_REJECTED
    ]
    for case, expected in rejected:
        assert case.upstream is not None, case.id
        assert case.upstream.startswith(b"HTTP/1.1 %d " % (expected.status or 0)), case.id
        assert "body" in case.answer, case.id


def test_every_case_says_why_in_a_line() -> None:
    """A sentence, so that a failure explains itself."""
    mute = [case.id for case in corpus() if not case.why.endswith(".") or "\n" in case.why]
    assert mute == []


def test_no_case_expects_anything_of_an_upstream_that_sees_nothing() -> None:
    """`seen` and `upstream` stand where some front forwards the request."""
    plain = make_case("corpus", GIVEN)
    for case in corpus():
        forwarded = any(expected.forwarded for expected in case.expected.values())
        assert forwarded or (not case.seen and case.upstream == plain.upstream), case.id


def test_every_setup_is_used() -> None:
    """A setup without a case would be a process started for nothing."""
    assert {case.setup.name for case in corpus()} == setups().keys()


def _kinds(bodies: Iterator[bytes]) -> set[tuple[Any, Any]]:
    documents = [json.loads(body) for body in bodies]
    return {(document["channel"], document["event"]["type"]) for document in documents}


def test_every_documented_event_is_delivered() -> None:
    """Each channel and type that the provider documents is among the delivered cases."""
    clean = (case.request.body for case in corpus() if case.id.startswith("clean/"))
    assert _kinds(iter(documented_events().values())) <= _kinds(clean)


def test_every_sample_of_the_other_webhooks_is_delivered() -> None:
    """On a route of its contract, byte for byte."""
    passed = {
        (case.request.target.decode(), case.request.body)
        for case, expected in cases("sidecar")
        if expected.reason is Reason.CLEAN
    }
    for contract in set(CONTRACTS) - {"cm-events"}:
        for name, body in documented_samples(contract).items():
            assert (f"/cm/{contract.removeprefix('cm-')}", body) in passed, (contract, name)


def test_every_outcome_occurs() -> None:
    """Delivered, refused, failed and aborted."""
    assert {expected.outcome for _, expected in cases("sidecar")} == set(Outcome)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        pytest.param({"verdikt": "x"}, r"a case has no \['verdikt'\]", id="key"),
        pytest.param({"seen": {"path": "/"}}, r"seen has no \['path'\]", id="key of seen"),
        pytest.param({"fronts": {"caddy": {}}}, r"fronts has no \['caddy'\]", id="front"),
        pytest.param({"fronts": {"nginx": {"verdict": "x"}}}, "nginx needs", id="front's why"),
        pytest.param({"fronts": {"addon": {"why": "x"}}}, "addon needs", id="front's what"),
        pytest.param({"fronts": {"addon": {"unansered": True}}}, "addon has no", id="front's key"),
        pytest.param({"verdict": "refused 403"}, "the verdict is none like", id="verdict"),
        pytest.param({"verdict": "refused 403 mood"}, "the verdict is none like", id="reason"),
        pytest.param({"setup": "nowhere"}, "'nowhere' is missing or unknown", id="setup"),
        pytest.param({"source": "moon"}, "'moon' is missing or unknown", id="source"),
        pytest.param({"body": {"edit": ["absent", ""]}}, "is not once in the body", id="edit"),
    ],
)
def test_a_mistake_in_a_case_is_named(members: dict[str, Any], words: str) -> None:
    """The loader refuses what it does not know, rather than testing something else."""
    with pytest.raises(CorpusError, match=words):
        make_case("subject", {**GIVEN, **members})


def test_a_version_of_a_front_stands_in_place_of_the_front() -> None:
    """What is said of it alone is not mixed with what is said of every version."""
    every = {"own_answer": 400, "why": "x"}
    eleven = {"unanswered": True, "why": "x"}
    case = make_case("subject", {**GIVEN, "fronts": {"addon": every, "addon11": eleven}})
    found = {front: (e.own_answer, e.unanswered) for front, e in case.expected.items()}
    assert found["addon"] == found["addon12"] == (400, False)
    assert found["addon11"] == (None, True)
    assert found["sidecar"] == (None, False)


def test_a_described_request_is_the_bytes_one_would_write() -> None:
    """Lines as given, a framing field added, placeholders filled in."""
    plain = craft({"body": "{}", "fields": ["Host: h"], "also": ["X-L: {length}"]})
    assert plain.data == (
        b"POST /cm/events HTTP/1.1\r\nHost: h\r\nX-L: 2\r\nContent-Length: 2\r\n\r\n{}"
    )
    chunked = craft({"body": "abcdefgh", "fields": [], "chunks": True})
    assert chunked.data.endswith(
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n2\r\nef\r\n2\r\ngh\r\n0\r\n\r\n"
    )
    framed = craft({"body": "abc", "fields": ["Content-Length: 9"], "wire": "{hex};{event}"})
    assert framed.data.endswith(b"Content-Length: 9\r\n\r\n3;abc")
    assert craft({"raw": {"prefix": "A", "fill": "\u00ff", "count": 2}}).data == b"A\xff\xff"
