"""The pure policy, held to the corpus: values in, a decision out."""

import contextlib
import time
from functools import cache
from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.policy import HEADERS, Decision, Fault, Policy, Reason, make_head
from hookgate.upstream.forwarding import upstream_head, upstream_request
from support.conformance import check_forwarded
from support.corpus import Case, Expected, cases, setups
from support.receiver import Seen

JUDGED = [pytest.param(case, expected, id=case.id) for case, expected in cases("policy")]


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> "Policies":
    """A policy for each setup, compiled when it is first asked for."""
    return Policies(tmp_path_factory.mktemp("policies"))


class Policies:
    """Setups compiled as the processes would compile them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.of = cache(self._compile)

    def _compile(self, name: str) -> Policy:
        setup = setups()[name]
        folder = self._folder / setup.name
        folder.mkdir()
        setup.write(folder)
        with contextlib.chdir(folder):
            keys = {"upstream.url": "http://127.0.0.1:9", **setup.keys}
            return Policy(load("hookgate.toml", keys, {}), clock=time.time)


def judge(policies: Policies, case: Case) -> Decision:
    head = make_head(
        case.source,
        case.request.method,
        case.request.target,
        case.request.fields,
        case.request.version,
    )
    return policies.of(case.setup.name).judge(head, case.request.body)


@pytest.mark.parametrize(("case", "expected"), JUDGED)
def test_the_policy_decides_as_the_corpus_says(
    policies: Policies, case: Case, expected: Expected
) -> None:
    """The reason, what was only observed, and who the client was; faults to come are no matter."""
    decision = judge(policies, case)
    clean = expected.reason.fault is Fault.UPSTREAM
    assert decision.reason is (Reason.CLEAN if clean else expected.reason)
    assert [found.reason.code for found in decision.observed] == expected.record.get("observed", [])
    if expected.errors is not None:
        found = [decision.finding] if decision.finding else decision.observed
        assert tuple(text for finding in found for text in finding.details) == expected.errors
    unknown, unusual = decision.remarks or (None, ())
    assert (unknown.members if unknown else 0) == expected.record.get("unknown", 0)
    assert list(unusual) == expected.record.get("unusual", [])
    if "client" in expected.record:
        assert decision.origin is not None
        assert (decision.origin.client or None) == expected.record["client"]
    if "route" in expected.record:
        name = decision.route.contract.name if decision.route else None
        assert name == expected.record["route"]


@pytest.mark.parametrize(
    ("case", "expected"),
    [p for p in JUDGED if isinstance(p.values[1], Expected) and p.values[1].forwarded],
)
def test_the_head_for_the_upstream_is_as_the_corpus_says(
    policies: Policies, case: Case, expected: Expected
) -> None:
    """Built from the same values, it carries what the upstream of every front must see."""
    decision = judge(policies, case)
    assert decision.origin is not None
    host = case.setup.keys.get("upstream.host", "").encode()
    header = case.setup.keys.get("source.header", "").lower()
    client_field = b"" if header in HEADERS else header.encode()
    begun = upstream_head(decision.head, decision.origin, host, client_field)
    sent = upstream_request(begun, case.request.body, "b00t-1")
    head, _, body = sent.partition(b"\r\n\r\n")
    check_forwarded(case, expected, Seen(head, body))
