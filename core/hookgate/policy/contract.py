"""A contract: one JSON Schema (2020-12), compiled once, that reports without quoting the sender."""

import json
import re
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from math import inf
from typing import Any, NamedTuple

import jsonschema_rs

from .document import DEEPEST, Document, parse
from .schema import Node, closed, known_members, named_anywhere
from .verdict import Finding
from .ways import ways

MOST_FINDINGS = 8
_LONGEST_VALUE = 120

# jsonschema-rs collects every error before it yields the first, at 1 to 18 us each: 500,000 wrong
# array items took 8.9 s. And each error holds a copy of the value, for each alternative that it
# failed: 10,000 values held against a hundred took 0.6 s. So what is looked for depends on the
# body's size by the ways that its schema leads to a value: 5 and 40 ms at most. The bytes of a body
# count as far as each may be half a value of as many as are allowed by default.
_LIST_ALL_BELOW = 32 * 1024
_TELL_BELOW = 256 * 1024
_CROWDED = 20_000
_MOST_WAYS = 1_000_000

_NOT_TOLD = "/: not as the contract asks; to find the place would take too long"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_UTC_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{1,9})?Z?", flags=re.ASCII
)
_TO_THE_SECOND = len("2025-09-03T08:00:05")
_LONGEST_TIME = len("2025-09-03T08:00:05.123456789Z")


class ContractError(ValueError):
    """The schema cannot be used; the message says why, for the person who wrote it."""


class Unknown(NamedTuple):
    """Members that a contract does not name: how many, and the pointers of their parents."""

    members: int
    parents: tuple[str, ...]


def is_utc_time(text: str) -> bool:
    """A real calendar time like 2025-09-03T08:00:05; a fraction and a Z are tolerated."""
    return len(text) <= _LONGEST_TIME and _is_utc_time(text)


# The schema asks and then the record, and events come in bursts: a look-up takes a tenth.
@lru_cache(maxsize=1024)
def _is_utc_time(text: str) -> bool:
    if _UTC_TIME.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text[:_TO_THE_SECOND])
    except ValueError:
        return False
    return True


class Contract:
    """A compiled schema.

    Raises `ContractError` where the text is no strict JSON, no valid 2020-12 schema, names an
    unknown format, refers to anything outside itself, or would take too long whatever it is asked.
    """

    def __init__(self, name: str, text: bytes) -> None:
        self.name = name
        self.digest = sha256(text).hexdigest()
        schema = parse(text, DEEPEST, len(text) + 1)
        if isinstance(schema, Finding):
            raise ContractError(f"not strict JSON: {schema.reason.code} {' '.join(schema.details)}")
        if schema.get("$schema", _DIALECT) != _DIALECT:
            raise ContractError(f'"$schema" is not {_DIALECT}')
        count, endless = ways(schema)
        if count > _MOST_WAYS:
            raise ContractError(
                f"its references multiply: one value is held against {count} schemas, more than "
                f"{_MOST_WAYS}; what several alternatives refer to, refer to once beside them"
            )
        self._ways = inf if endless else count
        try:
            self._validator = _compile(schema)
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise ContractError(_why_not_compiled(error)) from None
        try:
            self._tree = known_members(schema)
        except RecursionError:
            raise ContractError("its references lead through too many levels") from None
        self._closed = _compile_closed(schema, self._tree) if self._tree is not None else None
        self._names = frozenset(named_anywhere(schema))

    @property
    def tells_places(self) -> bool:
        """Whether it tells of any document where it is wrong."""
        return self._ways < inf

    def is_plain(self, document: Document) -> bool:
        """Whether nothing is wrong or unknown in it, as far as one look tells; most are plain.

        Where this is false `find` and `unknown` tell.
        """
        return self._closed is not None and self._closed.is_valid(document)

    def find(self, document: Document, size: int) -> tuple[str, ...]:
        """What is wrong with the document, at most `MOST_FINDINGS`, as `pointer: plain words`.

        `size` is the body's length in bytes. Of a large body only the first finding is looked for,
        or none, where the schema is such that it would take long.
        """
        if self._validator.is_valid(document):
            return ()
        effort = min(size, _CROWDED) * self._ways
        if effort > _TELL_BELOW:
            return (_NOT_TOLD,)
        if effort < _LIST_ALL_BELOW:
            errors = islice(self._validator.iter_errors(document), MOST_FINDINGS)
            return tuple(self._describe(error, document) for error in errors)
        try:
            self._validator.validate(document)
        except jsonschema_rs.ValidationError as error:
            return (self._describe(error, document),)
        raise AssertionError("is_valid and validate disagree")

    def find_with_values(self, document: Document) -> tuple[str, ...]:
        """The same with the sender's values and full pointers, for the owner of the document."""
        found: list[str] = []
        if self._ways == inf:
            return () if self._validator.is_valid(document) else (_NOT_TOLD,)
        for error in islice(self._validator.iter_errors(document), MOST_FINDINGS):
            path = _full_path(error)
            words = f"{''.join(f'/{step}' for step in path) or '/'}: {_words(error.kind)}"
            if error.kind.name != "required":
                words += (
                    f"; it is {json.dumps(error.instance, ensure_ascii=False)[:_LONGEST_VALUE]}"
                )
            found.append(words)
        return tuple(found)

    def unknown(self, document: Document) -> Unknown | None:
        """Members the schema does not name, wherever it names any; None if there are none."""
        count = 0
        parents: list[str] = []
        open_nodes: list[tuple[str, str, Node, Document]] = []
        if self._tree is not None:
            open_nodes.append(("", "", self._tree, document))
        while open_nodes:
            above, name, node, value = open_nodes.pop()
            if not node.names.issuperset(value):
                count += len(value.keys() - node.names)
                parents.append(above + name or "/")
            above = f"{above}{name}/"
            for name, below in node.below:
                child = value.get(name)
                # Most are objects without an object below: not worth a place in the list.
                if type(child) is dict and (below.below or not below.names.issuperset(child)):
                    open_nodes.append((above, name, below, child))
        return Unknown(count, tuple(sorted(parents))) if count else None

    def _describe(self, error: jsonschema_rs.ValidationError, document: Document) -> str:
        return f"{self._pointer(_full_path(error), document) or '/'}: {_words(error.kind)}"

    def _pointer(self, path: list[str | int], document: Any) -> str:
        # A member that the schema does not name may be a phone number, and jsonschema-rs reports
        # a key of digits as an integer: only the document tells an index from a key.
        steps: list[str] = []
        value = document
        for step in path:
            if isinstance(value, list):
                steps.append(str(step))
                value = value[int(step)]
            else:
                steps.append(step if isinstance(step, str) and step in self._names else "*")
                value = value.get(str(step)) if isinstance(value, dict) else None
        return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _compile(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        schema,
        formats={"cm-utc-time": is_utc_time},
        # This engine takes a time in proportion to the text. The other one knows look-around and
        # back-references, and takes 120 ms for a hundred letters.
        pattern_options=jsonschema_rs.RegexOptions(),
        validate_formats=True,
        ignore_unknown_formats=False,
        retriever=_refuse_retrieval,
    )


def _why_not_compiled(error: Exception) -> str:
    if isinstance(error, jsonschema_rs.ValidationError) and error.kind.name == "format":
        return (
            f"{json.dumps(error.instance)} is no pattern that can be matched in one pass over the "
            "text; write it without look-around, back-references and large counts"
        )
    return str(error).splitlines()[0]


def _compile_closed(schema: Document, tree: Node) -> jsonschema_rs.Draft202012Validator | None:
    narrower = closed(schema, tree)
    try:
        return _compile(narrower) if narrower is not None else None
    except (ValueError, jsonschema_rs.ReferencingError):
        return None  # an `$id` that no other schema may embed


def _full_path(error: jsonschema_rs.ValidationError) -> list[str | int]:
    """Where the error is; of a missing member, where it should be."""
    path = list(error.instance_path)
    if error.kind.name == "required":
        path.append(error.kind.as_dict()["property"])
    return path


def _refuse_retrieval(uri: str) -> Any:
    raise ValueError(f"{uri} is outside this file, and nothing is fetched")


def _words(kind: jsonschema_rs.ValidationErrorKind) -> str:
    name = kind.name
    facts = kind.as_dict()
    match name:
        case "required":
            return "missing"
        case "type":
            return f"not of type {' or '.join(sorted(facts['types']))}"
        case "format" if facts["format"] == "cm-utc-time":
            return "not a UTC time like 2025-09-03T08:00:05"
        case "format":
            return f"not a valid {facts['format']}"
        case "minLength" | "minItems" | "minProperties":
            return f"has fewer than {facts['limit']}"
        case "maxLength" | "maxItems" | "maxProperties":
            return f"has more than {facts['limit']}"
        case "enum" | "const":
            return "not one of the values the contract names"
        case "additionalProperties" | "unevaluatedProperties" | "falseSchema":
            return "a member the contract does not allow"
        case _:
            return f"does not satisfy `{name}`"
