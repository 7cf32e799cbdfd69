"""A contract: one JSON Schema (2020-12), compiled once, that reports without quoting the sender."""

import json
from hashlib import sha256
from typing import Any, NamedTuple

import jsonschema_rs

from hookgate.wording import shown

from .document import Document, Tops
from .schema import Node, closed, known_members, named_anywhere, resolve
from .schema_faults import find_faults, read_schema
from .validator import ContractError, Validator, compile_schema

_LONGEST_VALUE = 120
_NOT_TOLD = "/: not as the contract asks; to find the place would take too long"
_TOLERATED = "x-tolerated"
# One to another, from the top of a schema.
_MOST_REFERENCES = 16


class Unknown(NamedTuple):
    """Count members that a contract does not name, and point to their parents."""

    members: int
    parents: tuple[str, ...]


class Contract:
    """Hold a document against a compiled schema. `tops` is what its top level may be.

    Raises `ContractError` where the text is no strict JSON, no valid 2020-12 schema, names an
    unknown format, refers to anything outside itself, or would take too long whatever it is asked.
    """

    def __init__(self, name: str, text: bytes) -> None:
        self.name = name
        self.digest = sha256(text).hexdigest()
        schema = read_schema(text)
        self._validator = Validator(schema)
        self.tops = _tops(schema)
        self._tolerated = _compile_tolerated(schema)
        try:
            self._tree = known_members(schema)
        except RecursionError:
            raise ContractError("its references lead through too many levels") from None
        self._closed = _compile_closed(schema, self._tree)
        self._names = frozenset(named_anywhere(schema))

    @property
    def tolerates_more(self) -> bool:
        """Tell whether what keeps its `x-tolerated` passes too."""
        return self._tolerated is not None

    @property
    def tells_places(self) -> bool:
        """Tell whether it can say of any document where it is wrong."""
        return self._judge.tells_places

    def is_plain(self, document: Document) -> bool:
        """Tell whether nothing is wrong, unusual or unknown in it, as far as one look tells.

        Most are plain. Where this is false `find`, `unusual` and `unknown` tell.
        """
        return self._closed is not None and self._closed.is_valid(document)

    def find(self, document: Document, size: int) -> tuple[str, ...]:
        """Find what is wrong with the document, at most `MOST_FINDINGS`, as `pointer: plain words`.

        `size` is the body's length in bytes. Of a large body only the first finding is looked for,
        or none, where the schema is such that it would take long.
        """
        if self._validator.is_valid(document):
            return ()
        errors = self._judge.find(document, size)
        if errors is None:
            return (_NOT_TOLD,)
        return tuple(self._describe(error, document) for error in errors)

    def unusual(self, document: Document, size: int) -> tuple[str, ...]:
        """Point to what is only tolerated in a document in which `find` finds nothing.

        At most `MOST_FINDINGS` pointers; of a large body the first, or "/" as for the whole.
        """
        errors = self._validator.find(document, size)
        if errors is None:
            return ("/",)
        pointers = (self._pointer(_full_path(error), document) or "/" for error in errors)
        return tuple(dict.fromkeys(pointers))

    def find_with_values(self, document: Document) -> tuple[str, ...]:
        """Find the same, with the sender's values and full pointers, for the document's owner."""
        found: list[str] = []
        if self._validator.is_valid(document):
            return ()
        errors = self._judge.find(document, 1)
        if errors is None:
            return (_NOT_TOLD,)
        for error in errors:
            path = _full_path(error)
            words = f"{''.join(f'/{step}' for step in path) or '/'}: {_words(error.kind)}"
            if error.kind.name != "required":
                words += (
                    f"; it is {json.dumps(error.instance, ensure_ascii=False)[:_LONGEST_VALUE]}"
                )
            found.append(words)
        return tuple(found)

    def unknown(self, document: Document) -> Unknown | None:
        """Count members that the schema does not name where it names any; None without one."""
        count = 0
        parents: list[str] = []
        todo: list[tuple[str, Node, Any]] = []
        if self._tree is not None:
            todo.append(("", self._tree, document))
        while todo:
            place, node, value = todo.pop()
            if type(value) is list:
                if node.items is not None:
                    todo += [(f"{place}/{n}", node.items, item) for n, item in enumerate(value)]
            elif type(value) is dict:
                if node.names and not node.names.issuperset(value):
                    count += len(value.keys() - node.names)
                    parents.append(place or "/")
                todo += [(f"{place}/{name}", below, value.get(name)) for name, below in node.below]
        return Unknown(count, tuple(sorted(parents))) if count else None

    @property
    def _judge(self) -> Validator:
        return self._tolerated or self._validator

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


def _tops(schema: dict[str, Any]) -> Tops:
    """What a schema's `type` says of the top level, or that of what it is a reference to.

    An object where neither says anything.
    """
    part: Any = schema
    for _ in range(_MOST_REFERENCES):
        if not isinstance(part, dict) or "type" in part:
            break
        part = resolve(part.get("$ref"), schema)
    named = part.get("type", "object") if isinstance(part, dict) else "object"
    tops = {"object": dict, "array": list}
    found = frozenset(tops[name] for name in tops if name in (named, *_listed(named)))
    if not found:
        raise ContractError(
            f'/type = {shown(named)} is what no body is; write "object", "array" or both in a list'
        )
    return found


def _listed(named: Any) -> list[Any]:
    return named if isinstance(named, list) else []


def _compile_tolerated(schema: dict[str, Any]) -> Validator | None:
    if _TOLERATED not in schema:
        return None
    tolerated = schema[_TOLERATED]
    if not isinstance(tolerated, dict):
        why = "is no schema; write it as an object, like {}"
        raise ContractError(f"/{_TOLERATED} = {shown(tolerated)} {why}")
    whole = {"$defs": schema.get("$defs", {}), **tolerated}
    try:
        if faults := find_faults(whole):
            raise ContractError(*faults)
        return Validator(whole)
    except ContractError as error:
        raise ContractError(*(f"/{_TOLERATED}{problem}" for problem in error.problems)) from None


def _compile_closed(
    schema: dict[str, Any], tree: Node | None
) -> jsonschema_rs.Draft202012Validator | None:
    # Where none is named nothing can be unknown.
    narrower = closed(schema, tree) if tree is not None else schema
    try:
        return compile_schema(narrower) if narrower is not None else None
    except (ValueError, jsonschema_rs.ReferencingError):
        return None  # an `$id` that no other schema may embed


def _full_path(error: jsonschema_rs.ValidationError) -> list[str | int]:
    """Where the error is; of a missing member, where it should be."""
    path = list(error.instance_path)
    if error.kind.name == "required":
        path.append(error.kind.as_dict()["property"])
    return path


def _words(kind: jsonschema_rs.ValidationErrorKind) -> str:
    name = kind.name
    facts = kind.as_dict()
    match name:
        case "required":
            return "missing"
        case "type":
            return f"not of type {' or '.join(sorted(facts['types']))}"
        case "format" if facts["format"].startswith("cm-utc-time"):
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
