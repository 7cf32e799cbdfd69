"""Asking a gate for its /status, in bounded time and memory."""

import http.client
import json
from typing import Any

import orjson

from hookgate.address import ListenAddress
from hookgate.alarms.observing.admin import get

from .step import Answer

SECONDS = 1.5


def ask_status(address: ListenAddress) -> Answer | str:
    """Ask once; return why there is no answer where there is none. Never raises."""
    try:
        status, body = get(address, "/status", SECONDS)
        if status == 404:
            return "what answers there has no /status: an older hookgate"
        if status != 200:
            return f"/status answered {status}"
        told = _parse(body)
    except TimeoutError:
        return "no answer in time"
    except http.client.RemoteDisconnected:
        return "it closed the connection without an answer"
    except OSError as error:
        return error.strerror or type(error).__name__
    except (http.client.HTTPException, ValueError, RecursionError):
        return "what answers there is no hookgate"
    if not isinstance(told, dict) or told.get("format") != 1:
        return "what answers there is no hookgate, or of another version"
    return told


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # A lone surrogate, which a sender may have written, is none for it.
        return json.loads(body, parse_int=_number, parse_float=_number, parse_constant=_number)


def _number(word: str) -> Any:
    """Read a number as orjson does. Raises ValueError for one that is not finite."""
    return orjson.loads(word)
