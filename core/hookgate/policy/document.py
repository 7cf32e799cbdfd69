"""Strict JSON: a body is a document only if every parser would read the same from it.

RFC 8259 in UTF-8, plus what the RFC leaves open and parsers differ on: no duplicate keys, no NUL
in a key, bounded depth, no number beyond a double's or a 64-bit integer's range. How many values it
holds is counted before it is read: a tree takes up to 70 times the memory of its text.
jiter (2.9 us for a 400-byte event) does all of it but the checks in `_find_ambiguity`; most bodies
are known to be strict without it.
"""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from math import isinf
from typing import Any

import jiter
import orjson

from .verdict import Finding, Reason

Document = dict[str, Any] | list[Any]
# What the top level of a body may be.
Tops = frozenset[type]
AN_OBJECT: Tops = frozenset((dict,))

# jiter stops at 200 levels by itself; a configured bound stays well below.
DEEPEST = 128
_ENOUGH = DEEPEST + 1

_BACKSLASH = ord("\\")  # one byte is found ten times as fast as six, and few events hold it
_UTF_16 = (BOM_UTF16_LE, BOM_UTF16_BE)
_PLACE = re.compile(r"at (line \d+ column \d+)$")
_CONTAINERS = frozenset((dict, list))  # asked of each value: a third faster than a tuple
# Whoever writes spaces writes one behind the first key already.
_SAMPLE_BYTES = 64
# What is recorded of an event stands in its first lines.
_SALVAGED = 16 * 1024
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
_ALL_BUT_OPENINGS = bytes(set(range(256)) - set(b",[{"))
_ALL_BUT_MARKS = bytes(set(range(256)) - set(b',[{"'))
_ALL_BUT_NESTING = bytes(set(range(256)) - set(b'[]{}"'))
_SQUARE = bytes.maketrans(b"{}", b"[]")
# Few documents are deeper, and how many levels there are takes a look for each.
_SHALLOW = 8


def parse(
    body: bytes, max_depth: int, max_values: int, tops: Tops = AN_OBJECT
) -> Document | Finding:
    """Return the document in `body`, or the finding why it is none (RFC 8259, and stricter).

    `max_depth` counts nested objects and arrays, the top level being 1; at most `DEEPEST`.
    `max_values` bounds what `holds_more` counts.
    """
    size = len(body)
    # Most bodies are too short to hold too many: each value takes a byte.
    if size >= max_values and holds_more(body, max_values):
        return _classify_crowded(body, max_depth, max_values)
    document = _read_canonical(body)
    canonical = document is not None
    if not canonical:
        try:
            document = jiter.from_json(
                body, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys"
            )
        except ValueError as error:
            return _classify(body, str(error))
    # Few events have so many brackets that they could be too deep. bytes.count looks at each byte,
    # replace leaps from one found to the next, as far as may matter: 0.3 us, not 1.
    objects = size - len(body.replace(b"{", b"", _ENOUGH))
    arrays = size - len(body.replace(b"[", b"", _ENOUGH))
    if (
        objects + arrays > max_depth
        and not _is_shallow(body, min(max_depth, _SHALLOW))
        and _is_deeper(document, max_depth)
    ):
        return Finding(Reason.TOO_DEEP, (f"more than {max_depth} levels",))
    if (_BACKSLASH in body and b"\\u0000" in body) or (
        not canonical and _may_hold_odd_number(document)
    ):
        finding = _find_ambiguity(document)
        if finding is not None:
            return finding
    if type(document) in tops:
        return document  # type: ignore[no-any-return]  # one of two types, as was just seen
    if dict in tops:
        what = "neither an object nor an array" if list in tops else "not an object"
        return Finding(Reason.NOT_AN_OBJECT, (f"the top level is {what}",))
    return Finding(Reason.NOT_AN_ARRAY, ("the top level is not an array",))


def holds_more(body: bytes, max_values: int) -> bool:
    """Tell whether a body holds more values: one more than commas and openings outside strings.

    Of a document these are its objects, arrays, strings, numbers and words; keys do not count, an
    empty object or array counts twice. No more than 12 ms for 1 MiB.
    """
    if len(body.translate(None, _ALL_BUT_OPENINGS)) < max_values:
        return False  # even with those in strings
    if _BACKSLASH in body:
        # From the left, so that what is left of backslashes escapes no quote.
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # A string is a value or the key of one: with four quotes a value there are too many of these.
    most_quotes = 4 * max_values
    parts = body.translate(None, _ALL_BUT_MARKS).split(b'"', most_quotes)
    return len(parts) > most_quotes or 1 + sum(map(len, parts[::2])) > max_values


def _classify_crowded(body: bytes, max_depth: int, max_values: int) -> Finding:
    # As deep as it is wide, its first bytes say so: as many as cannot hold too many.
    start = body[:max_values]
    try:
        if _is_deeper(jiter.from_json(start, partial_mode="on", cache_mode="keys"), max_depth):
            return Finding(Reason.TOO_DEEP, (f"more than {max_depth} levels",))
    except ValueError as error:
        finding = _classify(start, str(error))
        if finding.reason is Reason.TOO_DEEP:
            return finding
    return Finding(Reason.TOO_MANY_VALUES, (f"more than {max_values} values",))


def _read_canonical(body: bytes) -> Any:
    """The document of a body that orjson would write byte for byte so; None tells nothing.

    Such a body is strict: of a key that stands twice only one would be written, and a number beyond
    64 bits or a double otherwise. Serialisers write so by default, but for Python's; 1.5 us.
    """
    if body.find(b'": ', 0, _SAMPLE_BYTES) >= 0:
        return None  # not worth trying
    try:
        document = orjson.loads(body)
        return document if orjson.dumps(document) == body else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def _may_hold_odd_number(document: Any) -> bool:
    # orjson refuses integers beyond 64 bits and writes infinity as null: 0.7 us for 430 bytes,
    # where a search of the text takes 4 and a walk in Python 10.
    try:
        return orjson.dumps(document).find(b"null") >= 0  # `in` would take 0.1 us more
    except orjson.JSONEncodeError:
        return True


def _classify(body: bytes, message: str) -> Finding:
    if not body:
        return Finding(Reason.BODY_EMPTY, ("the body is empty",))
    # The message of a duplicate key holds the key, which may be a phone number: only the place
    # in it is passed on.
    place = _PLACE.search(message)
    details = (place[1],) if place else ()
    try:
        body.decode()
    except UnicodeDecodeError as error:
        what = ", as in UTF-16" if body.startswith(_UTF_16) else ""
        return Finding(Reason.NOT_UTF8, (f"byte {error.start}{what}",))
    if body.startswith(BOM_UTF8):
        return Finding(Reason.MALFORMED_JSON, ("a byte order mark before the document",))
    if b"\0" in body[:2]:
        return Finding(Reason.MALFORMED_JSON, ("bytes of value 0, as in UTF-16",))
    if message.startswith("Detected duplicate key"):
        return Finding(Reason.DUPLICATE_KEY, details)
    if message.startswith("recursion limit exceeded"):
        return Finding(Reason.TOO_DEEP, details)
    if message.startswith("number out of range"):
        return Finding(Reason.NUMBER_OUT_OF_RANGE, details)
    return Finding(Reason.MALFORMED_JSON, details)


def _is_shallow(body: bytes, levels: int) -> bool:
    """Tell of the text of a document whether it has no more levels, in a third of a walk's time.

    False where quotes may be escaped: to find those takes as long for each byte.
    """
    if _BACKSLASH in body:
        return False
    marks = body.translate(_SQUARE, _ALL_BUT_NESTING)
    nesting = marks.translate(None, b'"')
    # A string is two quotes by now, unless it holds brackets: in front of the first of these an odd
    # number of quotes is in a row.
    if len(nesting) + 2 * marks.count(b'""') < len(marks):
        # Whatever two are taken out, what stood in a string still does.
        nesting = b"".join(marks.replace(b'""', b"").split(b'"')[::2])
    for _ in range(levels):
        nesting = nesting.replace(b"[]", b"")  # those that hold none: the deepest of each branch
    return not nesting


def _is_deeper(document: Any, max_depth: int) -> bool:
    level = [document] if type(document) in _CONTAINERS else []
    for _ in range(max_depth):
        if not level:
            return False
        level = [
            value
            for holder in level
            for value in (holder.values() if type(holder) is dict else holder)
            if type(value) in _CONTAINERS
        ]
    return bool(level)


def _find_ambiguity(document: Any) -> Finding | None:
    todo = [document]
    while todo:
        value = todo.pop()
        kind = type(value)
        if kind is dict:
            if any("\0" in key for key in value):
                return Finding(Reason.MALFORMED_JSON, ("a key holds a NUL",))
            todo.extend(value.values())
        elif kind is list:
            todo.extend(value)
        elif kind is int:
            if not _SMALLEST <= value <= _LARGEST:
                return Finding(Reason.NUMBER_OUT_OF_RANGE, ("an integer beyond 64 bits",))
        elif kind is float and isinf(value):
            return Finding(Reason.NUMBER_OUT_OF_RANGE, ("a number beyond a double",))
    return None


def salvage(body: bytes) -> Document:
    """Read what can be read of a body that was refused, for the record only; {} if nothing can.

    A cut-off body yields the members before the cut, a duplicate key its last value, one beyond
    16 KiB what these hold.
    """
    end = len(body)
    if end > _SALVAGED:
        end = _SALVAGED
        while end and body[end] & 0xC0 == 0x80:  # within a character
            end -= 1
    try:
        document = jiter.from_json(body[:end], partial_mode="on", cache_mode="keys")
    except ValueError:
        return {}
    return document if type(document) in _CONTAINERS else {}
