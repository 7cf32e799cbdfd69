"""What a reason means and what to do first, for whoever reads it in a list. Pure."""

from typing import NamedTuple

from hookgate.policy import Reason
from hookgate.upstream.error import BY_WORD


class Meaning(NamedTuple):
    """What happened, and what a person does first."""

    means: str
    first: str


_MOVED = (
    "Nothing, if you do not know the client. If it is a balancer of yours, name it in"
    " source.trusted_proxies; if it is CM.com, see hookgate ranges check."
)
_SENDER = "See what sends this: hookgate audit explain ID. CM.com's own events do not come so."
_JSON = (
    "See where: the pointer names the place. If CM.com sends this, set the check to observe,"
    " reload, and tell CM.com."
)
_BOUND = "If these are events, raise the bound in [request] and reload."
_SIGNATURE = "Compare the secret in the route's signature.secret_file with the provider's."
_SLOW = "Look at the network between the sender and here; the sender tries again."

MEANINGS: dict[Reason, Meaning] = {
    Reason.CLEAN: Meaning("the endpoint answered 2xx", ""),
    Reason.SOURCE_NOT_ALLOWED: Meaning("the client is in no allowed range", _MOVED),
    Reason.SOURCE_UNRESOLVED: Meaning(
        "a trusted proxy did not say, plainly, who the client is",
        "Have the proxy set X-Forwarded-For (source.header) to one address for each hop.",
    ),
    Reason.METHOD_NOT_ALLOWED: Meaning("it is not a POST", _SENDER),
    Reason.PATH_NOT_ROUTED: Meaning(
        "no route has exactly this path",
        "Compare the webhook's URL at CM.com with the path of each [[route]].",
    ),
    Reason.CONTENT_TYPE_MISSING: Meaning("it has no Content-Type", _SENDER),
    Reason.CONTENT_TYPE_REPEATED: Meaning("it has more than one Content-Type", _SENDER),
    Reason.CONTENT_TYPE_UNSUPPORTED: Meaning("its type is not application/json", _SENDER),
    Reason.CHARSET_UNSUPPORTED: Meaning("its charset is not utf-8", _SENDER),
    Reason.CONTENT_ENCODING_UNSUPPORTED: Meaning("its body is compressed", _SENDER),
    Reason.BODY_TOO_LARGE: Meaning("its body is over request.max_body", _BOUND),
    Reason.SIGNATURE_MISSING: Meaning(
        "its route asks for a signature, and a field of it is missing", _SIGNATURE
    ),
    Reason.SIGNATURE_INVALID: Meaning("no secret of its route makes its signature", _SIGNATURE),
    Reason.SIGNATURE_EXPIRED: Meaning(
        "what was signed is older than the tolerance, or from the future",
        "Look at this machine's clock; a sender that was down sends old events.",
    ),
    Reason.BODY_EMPTY: Meaning("it has no body", _SENDER),
    Reason.NOT_UTF8: Meaning("its body is no UTF-8", _JSON),
    Reason.MALFORMED_JSON: Meaning("its body is no JSON as RFC 8259 has it", _JSON),
    Reason.DUPLICATE_KEY: Meaning("a key is there twice in one object", _JSON),
    Reason.TOO_DEEP: Meaning("it is nested beyond request.max_depth", _BOUND),
    Reason.TOO_MANY_VALUES: Meaning("it has more values than request.max_values", _BOUND),
    Reason.NUMBER_OUT_OF_RANGE: Meaning("a number is beyond 64 bits or a double", _JSON),
    Reason.NOT_AN_OBJECT: Meaning("its top level is no object", _JSON),
    Reason.NOT_AN_ARRAY: Meaning("its top level is no list", _JSON),
    Reason.CONTRACT_VIOLATION: Meaning(
        "it does not keep the JSON Schema of its route; the pointer says where",
        "If these are events, the contract is too narrow: widen it, or set contract to observe,"
        " and reload.",
    ),
    Reason.MALFORMED_HTTP: Meaning(
        "it is HTTP that two readers could understand differently", _SENDER
    ),
    Reason.EXPECTATION_FAILED: Meaning("it expects something other than 100-continue", _SENDER),
    Reason.HEAD_TOO_LARGE: Meaning("its head is over sidecar.max_head or max_fields", _SENDER),
    Reason.HEAD_TIMEOUT: Meaning("its head took too long to come", _SLOW),
    Reason.BODY_TIMEOUT: Meaning("its body took too long to come", _SLOW),
    Reason.CLIENT_GONE: Meaning("the sender left before it was forwarded", _SLOW),
    Reason.UPSTREAM_REJECTED: Meaning(
        "the endpoint answered other than 2xx", "Look into the endpoint's own log."
    ),
    Reason.UPSTREAM_UNREACHABLE: Meaning(
        "no connection to the endpoint", "Try it: hookgate config check --connect."
    ),
    Reason.UPSTREAM_INVALID: Meaning(
        "the endpoint's answer was broken, oversized or an upgrade",
        "Look into the endpoint's own log.",
    ),
    Reason.UPSTREAM_TIMEOUT: Meaning(
        "no answer of the endpoint within upstream.timeout",
        "Let the endpoint answer before it works on the event, or raise upstream.timeout.",
    ),
    Reason.OVERLOADED: Meaning(
        "too many connections, events under way or bytes held",
        "Look at the endpoint: mostly it has become slow.",
    ),
    Reason.AUDIT_UNAVAILABLE: Meaning(
        "the ledger cannot be written, so nothing is forwarded",
        "df -h on the ledger's disk; move rotated files away.",
    ),
    Reason.GATE_ERROR: Meaning(
        "a fault inside hookgate", "journalctl -u hookgate: gate.fault names its place."
    ),
}
_BY_CODE = {reason.code: meaning for reason, meaning in MEANINGS.items()}


def meaning_of(reason: str, upstream_error: str = "") -> Meaning | None:
    """Return what a reason means, or the cause for which the endpoint gave no answer; None for
    words of another version.
    """
    if upstream_error in BY_WORD:
        error = BY_WORD[upstream_error]
        mend = error.mend.replace("`", "")
        return Meaning(error.means.replace("`", ""), f"{mend[0].upper()}{mend[1:]}.")
    return _BY_CODE.get(reason)
