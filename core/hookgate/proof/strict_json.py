"""JSON from strangers: objects alone, and nothing that two readers could read differently."""

import json
from math import isfinite
from typing import Any

# 64 bits have so many, with a sign.
_MOST_DIGITS = 20


def load_object(text: str) -> dict[str, Any]:
    """Parse an object. Raises ValueError, with what is wrong in words."""
    try:
        document = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_whole,
            parse_float=_number,
            parse_constant=_refuse,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg}, at character {error.pos}") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    if type(document) is not dict:
        raise ValueError("no JSON object")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a whole number has more than {_MOST_DIGITS} digits")
    return int(digits)


def _number(digits: str) -> float:
    if not isfinite(number := float(digits)):
        raise ValueError("a number is too large to be one")
    return number


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")
