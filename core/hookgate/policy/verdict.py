"""What a delivery can come to: the closed list of reasons, and what each one means."""

from enum import Enum, StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """Name how a delivery ended, as the ledger counts it."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    ABORTED = "aborted"


class Fault(StrEnum):
    """Name whose fault it was that a delivery did not arrive."""

    NOBODY = "nobody"
    SENDER = "sender"
    UPSTREAM = "upstream"
    GATE = "gate"


_REFUSED = Outcome.REFUSED, Fault.SENDER


class Reason(Enum):
    """Name why a delivery ended as it did.

    Each member knows its `code` (what the ledger says), its `status` (what the sender is
    answered; None where no status is ours to choose), its `outcome`, its `fault` and the name of
    the `check` that finds it ("" where none does). No front chooses a status.
    """

    CLEAN = "clean", 200, Outcome.DELIVERED, Fault.NOBODY

    SOURCE_NOT_ALLOWED = "source_not_allowed", 403, *_REFUSED, "source"
    SOURCE_UNRESOLVED = "source_unresolved", 403, *_REFUSED, "source"
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, *_REFUSED, "method"
    PATH_NOT_ROUTED = "path_not_routed", 404, *_REFUSED, "route"
    CONTENT_TYPE_MISSING = "content_type_missing", 415, *_REFUSED, "media_type"
    CONTENT_TYPE_REPEATED = "content_type_repeated", 415, *_REFUSED, "media_type"
    CONTENT_TYPE_UNSUPPORTED = "content_type_unsupported", 415, *_REFUSED, "media_type"
    CHARSET_UNSUPPORTED = "charset_unsupported", 415, *_REFUSED, "media_type"
    CONTENT_ENCODING_UNSUPPORTED = "content_encoding_unsupported", 415, *_REFUSED, "encoding"
    BODY_TOO_LARGE = "body_too_large", 413, *_REFUSED, "size"
    SIGNATURE_MISSING = "signature_missing", 401, *_REFUSED, "signature"
    SIGNATURE_INVALID = "signature_invalid", 401, *_REFUSED, "signature"
    SIGNATURE_EXPIRED = "signature_expired", 401, *_REFUSED, "signature"
    BODY_EMPTY = "body_empty", 400, *_REFUSED, "document"
    NOT_UTF8 = "not_utf8", 400, *_REFUSED, "document"
    MALFORMED_JSON = "malformed_json", 400, *_REFUSED, "document"
    DUPLICATE_KEY = "duplicate_key", 400, *_REFUSED, "document"
    TOO_DEEP = "too_deep", 400, *_REFUSED, "document"
    TOO_MANY_VALUES = "too_many_values", 400, *_REFUSED, "document"
    NUMBER_OUT_OF_RANGE = "number_out_of_range", 400, *_REFUSED, "document"
    NOT_AN_OBJECT = "not_an_object", 400, *_REFUSED, "document"
    NOT_AN_ARRAY = "not_an_array", 400, *_REFUSED, "document"
    CONTRACT_VIOLATION = "contract_violation", 422, *_REFUSED, "contract"

    MALFORMED_HTTP = "malformed_http", 400, *_REFUSED, "http"
    EXPECTATION_FAILED = "expectation_failed", 417, *_REFUSED, "http"
    HEAD_TOO_LARGE = "head_too_large", 431, *_REFUSED
    HEAD_TIMEOUT = "head_timeout", 408, *_REFUSED
    BODY_TIMEOUT = "body_timeout", 408, *_REFUSED
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
    check: str

    def __init__(
        self, code: str, status: int | None, outcome: Outcome, fault: Fault, check: str = ""
    ) -> None:
        # Enum's `value` goes through a descriptor; plain attributes are read per delivery.
        self.code = code
        self.status = status
        self.outcome = outcome
        self.fault = fault
        self.check = check


# After these nobody knows where the next request on the connection begins, or wants to.
ENDS_CONNECTION = frozenset(
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
    """Hold one check's objection: the reason, and plain words that never hold a sender's value."""

    reason: Reason
    details: tuple[str, ...] = ()
