"""Why a POST failed, in words that hold nothing of its URL but the host."""

import http.client
import os
import socket
import ssl
from collections.abc import Iterator

import requests
from urllib3.exceptions import LocationParseError

_MOST = 20
# Also of names that no resolver is asked for: of an empty or too long part.
_NO_NAME = (socket.gaierror, UnicodeError, LocationParseError, requests.exceptions.InvalidURL)


def explain(error: BaseException) -> str:
    """Return why, from the kinds of an error and its causes; never from their texts."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
    for kind, words in (
        (ssl.SSLError, "TLS failed"),
        (_NO_NAME, "its name cannot be looked up"),
        ((TimeoutError, requests.Timeout), "no answer in time"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return words
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno).lower()
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in causes):
        return "the proxy refused"
    if any(
        isinstance(cause, (http.client.HTTPException, requests.ConnectionError)) for cause in causes
    ):
        return "no HTTP answer"
    return f"cannot be sent ({type(error).__name__})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it holds: urllib3 keeps what happened in `reason` and in arguments."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _MOST:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        held = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        waiting += (each for each in held if isinstance(each, BaseException))
