"""What a sender is answered: exactly 200 and nothing, a problem document, or nothing at all."""

from functools import cache
from http import HTTPStatus
from typing import NamedTuple

import orjson

from hookgate.policy import ENDS_CONNECTION, Reason

RETRY_AFTER_SECONDS = 5
# No such scheme is registered: the field must be there, and no client can act on it.
_CHALLENGE = b"Webhook-Signature"


class Answer(NamedTuple):
    """An answer for a front to send. `fields` lack Content-Length, Date and Connection.

    `last` says that nothing more can be read from the connection.
    """

    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes
    last: bool = False


DELIVERED = Answer(200, [], b"")
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
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "reason": reason.code,
        "request_id": request_id,
        "errors": details,
    }
    return Answer(status, fields, orjson.dumps(problem), reason in ENDS_CONNECTION)


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
