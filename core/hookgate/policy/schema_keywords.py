"""What the keywords of a JSON Schema (2020-12) may hold: why a value cannot be one of theirs.

In words that follow the value, with a mend; None where nothing is wrong.
"""

import json
import re
import warnings
from typing import Any

import jsonschema_rs

from hookgate.wording import Offers, shown

from .validator import compile_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
# Of a body.
TOP_TYPES = ("object", "array")
# Those of 2020-12 (validation, 7.3), and ours.
FORMATS = (
    *("date", "date-time", "time", "duration", "email", "idn-email", "hostname", "idn-hostname"),
    *("ipv4", "ipv6", "uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid"),
    *("json-pointer", "relative-json-pointer", "regex", "cm-utc-time", "cm-utc-time-offset"),
)
_COUNTS = frozenset(
    f"{end}{what}"
    for end in ("min", "max")
    for what in ("Length", "Items", "Properties", "Contains")
)
_NUMBERS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))
_SWITCHES = frozenset(("uniqueItems", "deprecated", "readOnly", "writeOnly"))
_LISTS = frozenset(("enum", "examples"))
_ANCHOR = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")
_ONLY_BACKTRACKING = re.compile(r"\(\?<?[=!]|\\[1-9]|\\k<|\(\?P=|\(\?>")
_LONGEST_MEND = 200


def wrong_type(value: Any, known: tuple[str, ...], offers: Offers) -> str | None:
    """Judge `type`; `known` are those to be offered."""
    names = value if isinstance(value, list) else [value]
    if not names or len({str(name) for name in names}) < len(names):
        return f"is no list of types, each once; write one like {shown(list(known[:1]))}"
    for name in names:
        if name not in TYPES:
            return f"is no type; {offers(str(name), known)}"
    return None


def wrong_names(value: Any) -> str | None:
    """Judge `required`, or a member of `dependentRequired`."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return 'is no list of names; write one like ["a"]'
    if len(set(value)) < len(value):
        return f"has a name twice; write {json.dumps(list(dict.fromkeys(value)))}"
    return None


def wrong_value(name: str, value: Any) -> str | None:
    """Judge a count, number, switch or list; any other keyword is passed over."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in _COUNTS and not (is_number and value >= 0 and value == int(value)):
        return "is no count; write a whole number, like 1"
    if name in _NUMBERS and not is_number:
        return "is no number; write one like 1"
    if name == "multipleOf" and value <= 0:
        return "is not above 0; write a number like 1"
    if name in _SWITCHES and not isinstance(value, bool):
        return "is neither true nor false"
    if name in _LISTS and not isinstance(value, list):
        listed = json.dumps([value])
        return f"is no list; write {listed if len(listed) <= _LONGEST_MEND else 'one like [1]'}"
    return None


def wrong_text(name: str, value: str, offers: Offers) -> str | None:
    """Judge a text that is neither `$schema` nor a reference."""
    if name == "format" and value not in FORMATS:
        return f"is no format that is known here; {offers(value, FORMATS)} Else leave it out"
    if name == "pattern":
        return wrong_pattern(value)
    if name == "$id" and ("#" in value.removesuffix("#") or not _compiles({"$id": value})):
        return "is no URI without a fragment; leave it out"
    if name in ("$anchor", "$dynamicAnchor") and not _ANCHOR.fullmatch(value):
        return 'is no name of an anchor; write one like "a"'
    return None


def wrong_pattern(pattern: str) -> str | None:
    """Judge a regular expression."""
    if _compiles({"pattern": pattern}):
        return None
    if _ONLY_BACKTRACKING.search(pattern):
        return (
            "is no pattern that can be matched in one pass over the text; write it without "
            "look-around and back-references"
        )
    try:
        with warnings.catch_warnings(action="ignore"):  # of what it may read otherwise one day
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    return (
        "is no pattern that can be matched in one pass over the text; write it with smaller "
        "counts, and without what other engines alone know"
    )


def _compiles(schema: dict[str, Any]) -> bool:
    try:
        compile_schema(schema)
    except (ValueError, jsonschema_rs.ReferencingError):
        return False
    return True
