"""What a sender is answered: 200 and nothing, the endpoint's own answer, a problem document, or no
body at all.
"""

from functools import cache
from http import HTTPStatus
from typing import NamedTuple

import orjson

from hookgate.policy import ENDS_CONNECTION, Reason
from hookgate.reason_phrases import PHRASES
from hookgate.upstream.forwarding import relayed_fields
from hookgate.upstream.response import Response

RETRY_AFTER_SECONDS = 5
# No such scheme is registered: the field must be there, and no client can act on it.
_CHALLENGE = b"Webhook-Signature"
_WITHOUT_LENGTH = frozenset((204, 304))
_NOT_WHOLE = "the event arrived, but the endpoint's answer did not come whole"


class Answer(NamedTuple):
    """An answer for a front to send. `fields` lack Content-Length, Date and Connection.

    `last` says that nothing more can be read from the connection.
    """

    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes
    last: bool = False

    @property
    def has_length(self) -> bool:
        """Whether Content-Length goes with it (RFC 9110 8.6)."""
        return self.status not in _WITHOUT_LENGTH


DELIVERED = Answer(200, [], b"")
# For an event that arrived, where even making the answer that is to be relayed fails.
BARE_UNRELAYED = Answer(502, [], b"")
# For when even building an answer fails.
BARE_FAILURE = Answer(503, [(b"Retry-After", b"%d" % RETRY_AFTER_SECONDS)], b"", last=True)


def make_answer(
    reason: Reason, details: tuple[str, ...], request_id: str, allow: str, *, foreign: bool
) -> Answer:
    """Make the answer to a delivery that did not succeed.

    A foreign source gets an empty body that tells nothing; any other an RFC 9457 problem
    document with the reason code, the findings in words and the request id, never a value.
    """
    if foreign:
        return _silent_answer(reason, allow)
    status = reason.status or HTTPStatus.BAD_GATEWAY
    fields = [*_own_fields(reason, allow), (b"Content-Type", b"application/problem+json")]
    problem = _problem(status, reason, details, request_id)
    return Answer(status, fields, problem, reason in ENDS_CONNECTION)


def relay(response: Response) -> Answer:
    """Make the endpoint's answer the sender's."""
    # RFC 9110 15.3.6: it has no body, and RFC 9112 6.3 lets one follow its head.
    body = b"" if response.status == HTTPStatus.RESET_CONTENT else response.body
    return Answer(response.status, relayed_fields(response.fields), body)


def make_unrelayed(request_id: str) -> Answer:
    """Make the answer to an event that the endpoint took, by a 2xx that cannot be relayed."""
    fields = [(b"Content-Type", b"application/problem+json")]
    status = HTTPStatus.BAD_GATEWAY
    return Answer(status, fields, _problem(status, Reason.CLEAN, (_NOT_WHOLE,), request_id))


def _problem(status: int, reason: Reason, details: tuple[str, ...], request_id: str) -> bytes:
    return orjson.dumps(
        {
            "type": "about:blank",
            "title": PHRASES[status],
            "status": status,
            "reason": reason.code,
            "request_id": request_id,
            "errors": details,
        }
    )


@cache
def _silent_answer(reason: Reason, allow: str) -> Answer:
    status = reason.status or HTTPStatus.BAD_GATEWAY
    return Answer(status, _own_fields(reason, allow), b"", reason in ENDS_CONNECTION)


def _own_fields(reason: Reason, allow: str) -> list[tuple[bytes, bytes]]:
    if reason.status == HTTPStatus.UNAUTHORIZED:
        return [(b"WWW-Authenticate", _CHALLENGE)]  # RFC 9110 15.5.2
    if reason is Reason.METHOD_NOT_ALLOWED:
        return [(b"Allow", allow.encode())]
    if reason.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return [(b"Retry-After", b"%d" % RETRY_AFTER_SECONDS)]
    return []
