"""Bodies made to cost: each is decided in a fraction of a second of processor time."""

import pytest

from hookgate.policy import Finding, Reason, salvage
from hookgate.policy.document import parse
from support.effort import at_most

MIB = 1024 * 1024
SECONDS = 0.2
VALUES = 10_000

# What each body of about 1 MiB comes to; None is a document.
BOMBS: dict[str, tuple[bytes, Reason | None]] = {
    "open arrays": (b"[" * MIB, Reason.TOO_DEEP),
    "open objects": (b'{"a":' * (MIB // 5), Reason.TOO_DEEP),
    "balanced arrays": (b'{"a":' + b"[" * (MIB // 2) + b"]" * (MIB // 2) + b"}", Reason.TOO_DEEP),
    "one level too many, a hundred thousand times": (
        b'{"a":' + b"[" * 63 + b",".join([b"[]"] * 300_000) + b"]" * 63 + b"}",
        Reason.TOO_DEEP,
    ),
    "as many values as are allowed, as deep as is allowed": (
        b'{"a": [' + b",".join([b"[" * 62 + b"]" * 62] * 157) + b"]}",
        None,
    ),
    "digits of an integer": (b'{"a":' + b"9" * MIB + b"}", Reason.NUMBER_OUT_OF_RANGE),
    "digits of a negative integer": (b'{"a":-' + b"9" * MIB + b"}", Reason.NUMBER_OUT_OF_RANGE),
    "digits before a fraction": (b'{"a":' + b"9" * MIB + b".5}", Reason.NUMBER_OUT_OF_RANGE),
    "digits of an exponent": (b'{"a":1e' + b"9" * MIB + b"}", Reason.NUMBER_OUT_OF_RANGE),
    "digits of a negative exponent": (b'{"a":1e-' + b"9" * MIB + b"}", None),
    "digits of a fraction": (b'{"a":0.' + b"9" * MIB + b"}", None),
    "many integers of 4300 digits": (
        b'{"a":[' + b",".join([b"9" * 4300] * 240) + b"]}",
        Reason.NUMBER_OUT_OF_RANGE,
    ),
    "digits in a string": (b'{"a":"' + b"9" * MIB + b'"}', None),
    "many keys": (
        b"{" + b",".join(b'"%d":0' % n for n in range(100_000)) + b"}",
        Reason.TOO_MANY_VALUES,
    ),
    "as many keys as are allowed": (
        b"{" + b",".join(b'"%0100d": 0' % n for n in range(9_998)) + b"}",
        None,
    ),
    "as many keys as are allowed, the last one twice": (
        b"{" + b",".join(b'"%0100d":0' % n for n in (*range(9_997), 9_996)) + b"}",
        Reason.DUPLICATE_KEY,
    ),
    "many keys, the last one twice": (
        b"{" + b",".join(b'"%d":0' % n for n in range(100_000)) + b',"99999":0}',
        Reason.TOO_MANY_VALUES,
    ),
    "many keys with escapes": (
        b"{" + b",".join(b'"\\u0061%d":0' % n for n in range(60_000)) + b"}",
        Reason.TOO_MANY_VALUES,
    ),
    "many empty objects": (
        b'{"a":[' + b",".join([b"{}"] * 300_000) + b"]}",
        Reason.TOO_MANY_VALUES,
    ),
    "strings full of brackets": (
        b'{"a": [' + b",".join([b'"' + b"[," * 50 + b'"'] * 9_990) + b"]}",
        None,
    ),
    "empty strings without end": (b'""' * (MIB // 2), Reason.MALFORMED_JSON),
    "escaped quotes": (b'{"a":"' + b'\\",' * (MIB // 3) + b'"}', None),
    "many escapes": (b'{"a":"' + b"\\u0000" * (MIB // 6) + b'"}', None),
    "white space": (b" " * MIB, Reason.MALFORMED_JSON),
    "no end of a string": (b'{"a":"' + b"a" * MIB, Reason.MALFORMED_JSON),
    "backslashes": (b'{"a":"' + b"\\" * (MIB + 1) + b'"}', Reason.MALFORMED_JSON),
    "bytes that are no UTF-8": (b'{"a":"' + b"\xff" * MIB + b'"}', Reason.NOT_UTF8),
    "the last byte is no UTF-8": (b'{"a":"' + b"a" * MIB + b'"}\xff', Reason.NOT_UTF8),
}


@pytest.mark.parametrize(("body", "reason"), BOMBS.values(), ids=BOMBS.keys())
def test_a_mebibyte_made_to_cost_is_decided_at_once(body: bytes, reason: Reason | None) -> None:
    """Deep, long or crowded: the verdict is right and takes a fraction of a second."""
    with at_most(SECONDS):
        found = parse(body, 64, VALUES)
    assert (found.reason if isinstance(found, Finding) else None) is reason


@pytest.mark.parametrize("body", [body for body, _ in BOMBS.values()], ids=BOMBS.keys())
def test_salvaging_a_mebibyte_made_to_cost_ends_at_once(body: bytes) -> None:
    """What is read of a refused body for its record costs as little, and never raises."""
    with at_most(SECONDS):
        assert isinstance(salvage(body), dict)


def test_a_cut_body_yields_its_members_before_the_cut() -> None:
    """The record of a torn event can still name it."""
    assert salvage(b'{"reference":"r-1","event":{"type":"isTyping","cust') == {
        "reference": "r-1",
        "event": {"type": "isTyping"},
    }
