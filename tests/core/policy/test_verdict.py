"""The closed list of reasons: codes, statuses, outcomes and whose fault each one is."""

import pytest

from hookgate.policy import CHECKS, Fault, Outcome, Reason

# Code, status, outcome, fault; a status of None is not ours to choose.
TABLE: list[tuple[str, int | None, str, str]] = [
    ("clean", 200, "delivered", "nobody"),
    ("source_not_allowed", 403, "refused", "sender"),
    ("source_unresolved", 403, "refused", "sender"),
    ("method_not_allowed", 405, "refused", "sender"),
    ("path_not_routed", 404, "refused", "sender"),
    ("content_type_missing", 415, "refused", "sender"),
    ("content_type_repeated", 415, "refused", "sender"),
    ("content_type_unsupported", 415, "refused", "sender"),
    ("charset_unsupported", 415, "refused", "sender"),
    ("content_encoding_unsupported", 415, "refused", "sender"),
    ("body_too_large", 413, "refused", "sender"),
    ("signature_missing", 401, "refused", "sender"),
    ("signature_invalid", 401, "refused", "sender"),
    ("signature_expired", 401, "refused", "sender"),
    ("body_empty", 400, "refused", "sender"),
    ("not_utf8", 400, "refused", "sender"),
    ("malformed_json", 400, "refused", "sender"),
    ("duplicate_key", 400, "refused", "sender"),
    ("too_deep", 400, "refused", "sender"),
    ("too_many_values", 400, "refused", "sender"),
    ("number_out_of_range", 400, "refused", "sender"),
    ("not_an_object", 400, "refused", "sender"),
    ("not_an_array", 400, "refused", "sender"),
    ("contract_violation", 422, "refused", "sender"),
    ("malformed_http", 400, "refused", "sender"),
    ("expectation_failed", 417, "refused", "sender"),
    ("head_too_large", 431, "refused", "sender"),
    ("head_timeout", 408, "refused", "sender"),
    ("body_timeout", 408, "refused", "sender"),
    ("client_gone", None, "aborted", "sender"),
    ("upstream_rejected", None, "failed", "upstream"),
    ("upstream_unreachable", 502, "failed", "upstream"),
    ("upstream_invalid", 502, "failed", "upstream"),
    ("upstream_timeout", 504, "failed", "upstream"),
    ("overloaded", 503, "failed", "gate"),
    ("audit_unavailable", 503, "failed", "gate"),
    ("gate_error", 503, "failed", "gate"),
]


def test_the_reasons_are_these_and_no_others() -> None:
    """Every code, status, outcome and fault is as promised, in this order."""
    assert [
        (reason.code, reason.status, reason.outcome.value, reason.fault.value) for reason in Reason
    ] == TABLE


def test_no_two_reasons_have_a_code() -> None:
    """A code names one reason, and no member is an alias of another."""
    assert len({reason.code for reason in Reason}) == len(Reason.__members__) == len(TABLE)


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.code)
def test_outcome_and_fault_agree(reason: Reason) -> None:
    """Refused and aborted are the sender's, failed is the upstream's or ours."""
    expected = {
        Outcome.DELIVERED: {Fault.NOBODY},
        Outcome.REFUSED: {Fault.SENDER},
        Outcome.ABORTED: {Fault.SENDER},
        Outcome.FAILED: {Fault.UPSTREAM, Fault.GATE},
    }
    assert reason.fault in expected[reason.outcome]
    assert reason.name.lower() == reason.code


def test_only_success_is_a_2xx() -> None:
    """No refusal and no failure can be taken for a delivery."""
    assert [reason for reason in Reason if reason.status and reason.status < 400] == [Reason.CLEAN]


def test_a_reason_names_the_check_that_finds_it() -> None:
    """One that is in the table, of a refusal that is the sender's fault."""
    found = [reason for reason in Reason if reason.check]
    assert {reason.check for reason in found} == {check.name for check in CHECKS}
    assert {(r.outcome, r.fault) for r in found} == {(Outcome.REFUSED, Fault.SENDER)}
