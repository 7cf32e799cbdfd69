"""What is wrong with a JSON Schema (2020-12), for whoever wrote it: where, what, and the mend.

jsonschema-rs tells one fault, without its place and in words for programmers who call it. Left to
it (`validator.py`) are embedded `$id`s, and keywords that are seldom used.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

from hookgate.wording import Offers, shown

from .document import DEEPEST, parse
from .schema import resolve
from .schema_keywords import (
    DIALECT,
    TOP_TYPES,
    TYPES,
    wrong_names,
    wrong_pattern,
    wrong_text,
    wrong_type,
    wrong_value,
)
from .validator import ContractError
from .verdict import Finding, Reason

_NO_JSON = {
    Reason.BODY_EMPTY: ("empty", 'write {"type": "object"} to begin with'),
    Reason.NOT_UTF8: ("not UTF-8", "save it as UTF-8"),
    Reason.MALFORMED_JSON: (
        "no strict JSON",
        "look there for a comma too many or too few, single quotes, or a comment",
    ),
    Reason.DUPLICATE_KEY: ("a key twice in one object", "leave one of them out"),
    Reason.TOO_DEEP: ("nested too deep", 'move parts of it below "$defs" and refer to them'),
    Reason.NUMBER_OUT_OF_RANGE: ("a number that parsers read differently", "write a smaller one"),
    Reason.NOT_AN_OBJECT: ("no object", 'write {"type": "object"} to begin with'),
}
_SAY_NO_PLACE = (Reason.BODY_EMPTY, Reason.NOT_AN_OBJECT)
_KNOWN_ELSEWHERE = "https://json-schema.org/draft/2020-12/"
# Keywords by what they hold: a schema, a list of such, an object of such, a text.
_SCHEMA = frozenset(
    (
        *("additionalProperties", "unevaluatedProperties", "propertyNames", "items", "contains"),
        *("unevaluatedItems", "not", "if", "then", "else", "contentSchema"),
    )
)
_SCHEMAS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_MAPS = frozenset(("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"))
_TEXTS = frozenset(
    (
        *("$comment", "title", "description", "contentEncoding", "contentMediaType", "format"),
        *("$schema", "$id", "$ref", "$dynamicRef", "$anchor", "$dynamicAnchor", "pattern"),
    )
)
_REFERENCES = ("$ref", "$dynamicRef")
_ANCHORS = ("$anchor", "$dynamicAnchor")
# RFC 3986 3.5
_FRAGMENT = "/?:@!$&'()*+,;=~"
_LONGEST_PLACE = 200


def read_schema(text: bytes) -> dict[str, Any]:
    """Read the text of a schema. Raises `ContractError` with all that is wrong."""
    schema = parse(text, DEEPEST, len(text) + 1)
    if isinstance(schema, Finding):
        what, mend = _NO_JSON[schema.reason]
        place = " ".join(schema.details) if schema.reason not in _SAY_NO_PLACE else ""
        raise ContractError(f"{what}{place and f' ({place})'}; {mend}")
    assert isinstance(schema, dict)  # noqa: S101  # as `parse` was asked for
    if faults := find_faults(schema):
        raise ContractError(*faults)
    return schema


def find_faults(schema: dict[str, Any]) -> tuple[str, ...]:
    """Find what is wrong, each with its place as a JSON Pointer (RFC 6901) into the schema."""
    return tuple(dict.fromkeys(_Walk(schema).faults()))


class _Walk:
    """Look at each schema in a schema once, and at its references when all are known."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._todo: list[tuple[str, Any]] = [("", root)]
        self._seen: set[int] = set()
        self._references: list[tuple[str, str]] = []
        self._anchors: dict[str, None] = {}
        self._definitions: list[str] = []
        self._offers = Offers()
        self._is_simple = True  # no `$id` but the top's: a reference means what it does everywhere

    def faults(self) -> Iterator[str]:
        followed = 0
        while self._todo or followed < len(self._references):
            if self._todo:
                yield from self._look(*self._todo.pop())
                continue
            # What one leads to need not stand where schemas do.
            reference = self._references[followed][1]
            target = resolve(reference, self._root)
            if target is not None and self._is_simple:
                self._todo.append((unquote(reference[1:]), target))
            followed += 1
        known = [*(f"#{anchor}" for anchor in self._anchors), *self._definitions]
        for place, reference in self._references:
            yield from _fault(place, reference, self._lost(reference, known))

    def _look(self, place: str, schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            if id(schema) in self._seen:
                return
            self._seen.add(id(schema))
            if schema is not self._root and "$id" in schema:
                self._is_simple = False
                if schema.get("$schema", DIALECT) != DIALECT:
                    return
            for name, value in schema.items():
                yield from self._keyword(f"{place}/{_step(name)}", name, value)
        elif isinstance(schema, list) and place.endswith("/items"):
            why = 'is a list of schemas, one for each place; write "prefixItems" for "items"'
            yield from _fault(place, schema, why)
        elif not isinstance(schema, bool):
            yield from _fault(place, schema, "is no schema; write an object, like {}")

    def _keyword(self, place: str, name: str, value: Any) -> Iterator[str]:
        if name in _SCHEMA:
            self._todo.append((place, value))
        elif name in _SCHEMAS and isinstance(value, list) and value:
            self._todo += reversed([(f"{place}/{n}", part) for n, part in enumerate(value)])
        elif name in _SCHEMAS:
            yield from _fault(place, value, "is no list of schemas; write one like [{}]")
        elif name in _MAPS and isinstance(value, dict):
            self._todo += reversed([(f"{place}/{_step(key)}", value[key]) for key in value])
            if name == "patternProperties":
                for pattern in value:
                    yield from _fault(place, pattern, wrong_pattern(pattern))
            elif name in ("$defs", "definitions"):
                self._definitions += (
                    f"#{quote(f'{place}/{_step(key)}', _FRAGMENT)}" for key in value
                )
        elif name in _MAPS:
            yield from _fault(place, value, 'is no object of schemas; write one like {"a": {}}')
        elif name == "type":
            yield from _fault(
                place,
                value,
                wrong_type(value, TYPES if place != "/type" else TOP_TYPES, self._offers),
            )
        elif name == "required":
            yield from _fault(place, value, wrong_names(value))
        elif name == "dependentRequired" and isinstance(value, dict):
            for key, names in value.items():
                yield from _fault(f"{place}/{_step(key)}", names, wrong_names(names))
        elif name == "dependentRequired":
            yield from _fault(place, value, 'is no object; write one like {"a": ["b"]}')
        elif name in _TEXTS and isinstance(value, str):
            yield from _fault(place, value, self._text(place, name, value))
        elif name in _TEXTS:
            yield from _fault(place, value, "is no text; leave it out, or write it in quotes")
        else:
            yield from _fault(place, value, wrong_value(name, value))

    def _text(self, place: str, name: str, value: str) -> str | None:
        if name in _REFERENCES:
            self._references.append((place, value))
            return None
        if name == "$schema" and place == "/$schema" and value != DIALECT:
            return f'is another dialect than what is read here; write "{DIALECT}"'
        if name in _ANCHORS:
            self._anchors[value] = None
        return wrong_text(name, value, self._offers)

    def _lost(self, reference: str, known: list[str]) -> str | None:
        """Why a reference leads nowhere; of what this does not know jsonschema-rs tells."""
        if not self._is_simple or not reference:
            return None
        if not reference.startswith("#"):
            if "$id" in self._root or reference.startswith(_KNOWN_ELSEWHERE):
                return None
            return (
                "is outside this file, and nothing is fetched; copy what it names below "
                '"$defs" and refer to it there, like "#/$defs/a"'
            )
        if reference[1:2] in ("", "/"):
            is_there = resolve(reference, self._root) is not None
        else:
            is_there = reference[1:] in self._anchors
        if is_there:
            return None
        if not known:
            return 'leads nowhere; define it below "$defs" and refer to it there, like "#/$defs/a"'
        return f"leads nowhere; {self._offers(reference, known)}"


def _step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _fault(place: str, value: Any, why: str | None) -> Iterator[str]:
    if why is not None:
        yield f"{_shown_place(place)} = {shown(value)} {why}"


def _shown_place(place: str) -> str:
    text = place if place.isprintable() else json.dumps(place)[1:-1]
    return text if len(text) <= _LONGEST_PLACE else f"{text[:_LONGEST_PLACE]}..."
