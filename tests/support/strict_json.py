"""A strict reader of JSON to hold another one against: no library, no recursion.

RFC 8259 in UTF-8 without a byte order mark, an object at the top, no key twice in an object after
unescaping, no NUL in a key, no lone surrogate, bounded depth, integers of 64 bits, finite doubles.
"""

import re
from math import isfinite

_TOKEN = re.compile(
    r"""[ \t\n\r]*(?:
      (?P<sign>[{}\[\]:,])
    | "(?P<string>(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"
    | (?P<number>-?(?:0|[1-9][0-9]*)(?P<real>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?))
    | (?P<word>true|false|null)
    )""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\n\r]*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_VALUE, _FIRST_ITEM, _KEY, _FIRST_KEY, _COLON, _AFTER, _DONE = range(7)


class NotStrictError(ValueError):
    """The bytes are no strict document; the message says why."""


def is_strict(body: bytes, max_depth: int) -> bool:
    """Whether `read` takes the body."""
    try:
        read(body, max_depth)
    except NotStrictError:
        return False
    return True


def read(body: bytes, max_depth: int) -> None:
    """Raise `NotStrictError` unless every parser would read the same from the body."""
    try:
        text = body.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise NotStrictError("no UTF-8") from error
    keys: list[set[str] | None] = []  # of each open object; None for an array
    state, position, top = _VALUE, 0, ""
    while state != _DONE:
        token = _TOKEN.match(text, position)
        if token is None:
            raise NotStrictError(f"no token at {position}")
        position = token.end()
        state = _step(state, token, keys)
        top = top or token[0].strip(" \t\n\r")[:1]
        if len(keys) > max_depth:
            raise NotStrictError("too deep")
    if _SPACE.fullmatch(text, position) is None:
        raise NotStrictError("data after the document")
    if top != "{":
        raise NotStrictError("no object at the top")


def count_values(body: bytes) -> int:
    """The values of a document, its empty objects and arrays twice; keys do not count."""
    tokens = [token["sign"] for token in _TOKEN.finditer(body.decode())]
    return 1 + sum(sign in (",", "[", "{") for sign in tokens if sign is not None)


def _step(state: int, token: re.Match[str], keys: list[set[str] | None]) -> int:
    sign, string = token["sign"], token["string"]
    closing = {_FIRST_ITEM: "]", _FIRST_KEY: "}"}.get(state)
    if state == _AFTER:
        closing = "]" if keys[-1] is None else "}"
        if sign == ",":
            return _VALUE if keys[-1] is None else _KEY
    if sign is not None and sign == closing:
        keys.pop()
        return _after(keys)
    if state == _COLON and sign == ":":
        return _VALUE
    if state in (_KEY, _FIRST_KEY) and string is not None:
        _add_key(_unescape(string), keys[-1])
        return _COLON
    if state in (_VALUE, _FIRST_ITEM):
        if sign == "{":
            keys.append(set())
            return _FIRST_KEY
        if sign == "[":
            keys.append(None)
            return _FIRST_ITEM
        if sign is None:
            _check_scalar(token)
            return _after(keys)
    raise NotStrictError(f"{token[0]!r} is out of place")


def _after(keys: list[set[str] | None]) -> int:
    return _AFTER if keys else _DONE


def _add_key(key: str, known: set[str] | None) -> None:
    assert known is not None
    if key in known:
        raise NotStrictError("a key twice")
    if "\0" in key:
        raise NotStrictError("a NUL in a key")
    known.add(key)


def _check_scalar(token: re.Match[str]) -> None:
    number = token["number"]
    if token["string"] is not None:
        _unescape(token["string"])
    elif number is not None and token["real"]:
        if not isfinite(float(number)):
            raise NotStrictError("beyond a double")
    elif number is not None and (len(number) > 20 or not -(2**63) <= int(number) < 2**64):
        raise NotStrictError("beyond 64 bits")


def _unescape(string: str) -> str:
    def replace(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else _SHORT.get(match[2], match[2])

    try:
        return _ESCAPE.sub(replace, string).encode("utf-16-be", "surrogatepass").decode("utf-16-be")
    except UnicodeDecodeError as error:
        raise NotStrictError("a lone surrogate") from error
