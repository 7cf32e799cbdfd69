"""What a delivery can come to: the closed list of reasons, and what each one means."""

from enum import Enum, StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """How a delivery ended, as the ledger counts it."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    ABORTED = "aborted"


class Fault(StrEnum):
    """Whose fault it was that a delivery did not arrive."""

    NOBODY = "nobody"
    SENDER = "sender"
    UPSTREAM = "upstream"
    GATE = "gate"


class Reason(Enum):
    """Why a delivery ended as it did.

    Each member knows its `code` (what the ledger says), its `status` (what the sender is
    answered; None where no status is ours to choose), its `outcome` and its `fault`.
    No front chooses a status.
    """

    CLEAN = "clean", 200, Outcome.DELIVERED, Fault.NOBODY

    SOURCE_NOT_ALLOWED = "source_not_allowed", 403, Outcome.REFUSED, Fault.SENDER
    SOURCE_UNRESOLVED = "source_unresolved", 403, Outcome.REFUSED, Fault.SENDER
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, Outcome.REFUSED, Fault.SENDER
    PATH_NOT_ROUTED = "path_not_routed", 404, Outcome.REFUSED, Fault.SENDER
    CONTENT_TYPE_MISSING = "content_type_missing", 415, Outcome.REFUSED, Fault.SENDER
    CONTENT_TYPE_REPEATED = "content_type_repeated", 415, Outcome.REFUSED, Fault.SENDER
    CONTENT_TYPE_UNSUPPORTED = "content_type_unsupported", 415, Outcome.REFUSED, Fault.SENDER
    CHARSET_UNSUPPORTED = "charset_unsupported", 415, Outcome.REFUSED, Fault.SENDER
    CONTENT_ENCODING_UNSUPPORTED = (
        "content_encoding_unsupported",
        415,
        Outcome.REFUSED,
        Fault.SENDER,
    )
    BODY_TOO_LARGE = "body_too_large", 413, Outcome.REFUSED, Fault.SENDER
    BODY_EMPTY = "body_empty", 400, Outcome.REFUSED, Fault.SENDER
    NOT_UTF8 = "not_utf8", 400, Outcome.REFUSED, Fault.SENDER
    MALFORMED_JSON = "malformed_json", 400, Outcome.REFUSED, Fault.SENDER
    DUPLICATE_KEY = "duplicate_key", 400, Outcome.REFUSED, Fault.SENDER
    TOO_DEEP = "too_deep", 400, Outcome.REFUSED, Fault.SENDER
    TOO_MANY_VALUES = "too_many_values", 400, Outcome.REFUSED, Fault.SENDER
    NUMBER_OUT_OF_RANGE = "number_out_of_range", 400, Outcome.REFUSED, Fault.SENDER
    NOT_AN_OBJECT = "not_an_object", 400, Outcome.REFUSED, Fault.SENDER
    CONTRACT_VIOLATION = "contract_violation", 422, Outcome.REFUSED, Fault.SENDER

    MALFORMED_HTTP = "malformed_http", 400, Outcome.REFUSED, Fault.SENDER
    EXPECTATION_FAILED = "expectation_failed", 417, Outcome.REFUSED, Fault.SENDER
    HEAD_TOO_LARGE = "head_too_large", 431, Outcome.REFUSED, Fault.SENDER
    HEAD_TIMEOUT = "head_timeout", 408, Outcome.REFUSED, Fault.SENDER
    BODY_TIMEOUT = "body_timeout", 408, Outcome.REFUSED, Fault.SENDER
    CLIENT_GONE = "client_gone", None, Outcome.ABORTED, Fault.SENDER

    UPSTREAM_REJECTED = "upstream_rejected", None, Outcome.FAILED, Fault.UPSTREAM
    UPSTREAM_UNREACHABLE = "upstream_unreachable", 502, Outcome.FAILED, Fault.UPSTREAM
    UPSTREAM_INVALID = "upstream_invalid", 502, Outcome.FAILED, Fault.UPSTREAM
    UPSTREAM_TIMEOUT = "upstream_timeout", 504, Outcome.FAILED, Fault.UPSTREAM

    OVERLOADED = "overloaded", 503, Outcome.FAILED, Fault.GATE
    AUDIT_UNAVAILABLE = "audit_unavailable", 503, Outcome.FAILED, Fault.GATE
    GATE_ERROR = "gate_error", 503, Outcome.FAILED, Fault.GATE

    code: str
    status: int | None
    outcome: Outcome
    fault: Fault

    def __init__(self, code: str, status: int | None, outcome: Outcome, fault: Fault) -> None:
        # Enum's `value` goes through a descriptor; plain attributes are read per delivery.
        self.code = code
        self.status = status
        self.outcome = outcome
        self.fault = fault


# After these nobody knows where the next request on the connection begins, or wants to.
UNFRAMED = frozenset(
    (
        Reason.MALFORMED_HTTP,
        Reason.EXPECTATION_FAILED,
        Reason.HEAD_TOO_LARGE,
        Reason.HEAD_TIMEOUT,
        Reason.BODY_TIMEOUT,
        Reason.GATE_ERROR,
    )
)


class Finding(NamedTuple):
    """One check's objection: the reason, and plain words that never hold a sender's value."""

    reason: Reason
    details: tuple[str, ...] = ()
