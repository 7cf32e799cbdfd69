"""Which members a JSON Schema names: read from its text, for what validation does not tell."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

# In-place applicators (JSON Schema 2020-12 core, 10.2): their subschemas speak of the same object.
_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLE = ("if", "then", "else")
_CONTRACT = "urn:hookgate:contract"
_MOST_CLOSED = 100


class Node:
    """Hold the members that are named for one value, and what is named below it.

    `names` are those of an object, none where any may be there; `below` are its members that name
    theirs, and `items` is what is named for each item of an array. A schema that refers to itself
    makes nodes that do: what is walked is the document.
    """

    __slots__ = ("below", "items", "names")

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.below: tuple[tuple[str, Node], ...] = ()
        self.items: Node | None = None


def known_members(schema: Any) -> Node | None:
    """Make the tree of named members; None where none is named.

    None are named for an object where a pattern admits names.
    """
    return _make_node((schema,), schema, {})


def closed(schema: dict[str, Any], tree: Node) -> dict[str, Any] | None:
    """Return a schema for what `schema` allows without any member that `tree` does not name.

    None where that would be large, or without end.
    """
    members = _members(tree, [])
    if members is None:
        return None
    # A resource of its own: what refers to "#" in it must not come to mean the narrower one.
    return {"allOf": [{"$id": _CONTRACT, **schema}, members]}


def _members(node: Node, made: list[Node]) -> dict[str, Any] | None:
    made.append(node)
    members: dict[str, Any] = {}
    if node.names:
        members["properties"] = dict.fromkeys(sorted(node.names), True)
        members["additionalProperties"] = False
    for name, below in node.below:
        child = _members(below, made) if len(made) < _MOST_CLOSED else None
        if child is None:
            return None
        members["properties"][name] = child
    if node.items is not None:
        child = _members(node.items, made) if len(made) < _MOST_CLOSED else None
        if child is None:
            return None
        members["items"] = child
    return members


def named_anywhere(schema: Any) -> Iterator[str]:
    """Yield every member name that the schema spells out, wherever it does."""
    if isinstance(schema, dict):
        for key, part in schema.items():
            if key in ("properties", "dependentRequired") and isinstance(part, dict):
                yield from part
            if key == "dependentRequired" and isinstance(part, dict):
                for names in part.values():
                    yield from _strings(names)
            if key == "required":
                yield from _strings(part)
            yield from named_anywhere(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from named_anywhere(part)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))


def _make_node(
    schemas: tuple[Any, ...], root: Any, made: dict[tuple[int, ...], Node | None]
) -> Node | None:
    key = tuple(sorted(map(id, schemas)))
    if key in made:
        return made[key]
    members: dict[str, list[Any]] = {}
    parts = _applied(schemas, root)
    if not any(map(_admits_names, parts)):
        for part in parts:
            for name, schema in (part.get("properties") or {}).items():
                members.setdefault(name, []).append(schema)
    items: tuple[Any, ...] = ()
    if not any("prefixItems" in part for part in parts):  # there `items` is of the rest alone
        items = tuple(part["items"] for part in parts if isinstance(part.get("items"), dict))
    made[key] = node = Node(frozenset(members)) if members or items else None
    if node is not None:
        below = ((name, _make_node(tuple(named), root, made)) for name, named in members.items())
        node.below = tuple((name, child) for name, child in below if child is not None)
        node.items = _make_node(items, root, made) if items else None
    return node


def _admits_names(schema: dict[str, Any]) -> bool:
    return "patternProperties" in schema or isinstance(schema.get("additionalProperties"), dict)


def _applied(schemas: tuple[Any, ...], root: Any) -> list[dict[str, Any]]:
    """The schemas and all that apply in place, each once."""
    found: dict[int, dict[str, Any]] = {}
    todo = list(schemas)
    while todo:
        schema = todo.pop()
        if not isinstance(schema, dict) or id(schema) in found:
            continue
        found[id(schema)] = schema
        for key in _LISTS:
            todo += schema.get(key) or []
        todo += [schema[key] for key in _SINGLE if key in schema]
        todo += (schema.get("dependentSchemas") or {}).values()
        todo.append(resolve(schema.get("$ref"), root))
    return list(found.values())


def resolve(reference: Any, root: Any) -> Any:
    """Resolve a `$ref` within the file; None for anything but a JSON Pointer from its root.

    RFC 6901 in a URI fragment: percent-decoded, then "~1" is "/" and "~0" is "~". An anchor or an
    embedded `$id` is not followed: its members count as unknown, which refuses nothing.
    """
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    first, *steps = unquote(reference[1:]).split("/")
    if first:
        return None
    value = root
    for step in steps:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
