"""How many ways through a JSON Schema lead to one value, told from its text.

Whether a document keeps it takes jsonschema-rs a time in proportion to the document, even where it
refers to itself: it remembers what it found. To say where a document is wrong it goes every way
anew and copies the value on each: a schema that leads back to itself by two ways goes 2^60 of them
in 250 bytes that are 60 levels deep, and by one way through an alternative still took 50 ms.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from .schema import resolve

_ALTERNATIVES = ("anyOf", "oneOf")
_CONDITIONS = ("if", "not", "then", "else")


class _Edge(NamedTuple):
    """Lead from a schema to one that it applies, for a value of some kind or one within it.

    Of the edges of one `group` a value within meets one at most; "" is none. `choice` says that
    what fails there may not matter.
    """

    target: dict[str, Any]
    group: str = ""
    choice: bool = False


class Ways(NamedTuple):
    """Count the schemas that one value is held against at most, each as often as ways lead to it.

    `endless` says that the schema leads back to itself by several ways or through an alternative,
    or may do so by references that are not followed here; `number` is then that of one round.
    """

    number: int
    endless: bool


def ways(root: dict[str, Any]) -> Ways:
    """Count the ways through a schema."""
    found: dict[int, int] = {}
    endless = False
    for loop in _loops(root):
        once = {id(schema): 1 for schema in loop}
        count = 0
        for schema in loop:
            edges = list(_edges(schema, root))
            back = [edge for edge in edges if id(edge.target) in once]
            endless |= not _is_understood(schema, root) or _most(back, once) > 1
            endless |= any(edge.choice for edge in back)
            count += 1 + _most([edge for edge in edges if id(edge.target) not in once], found)
        found |= dict.fromkeys(once, count)
    return Ways(found[id(root)], endless)


def _is_understood(schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether all its references are followed here: not those by anchors and embedded `$id`s."""
    references = (schema[key] for key in ("$ref", "$dynamicRef") if key in schema)
    return (schema is root or "$id" not in schema) and all(
        resolve(reference, root) is not None for reference in references
    )


def _most(edges: list[_Edge], found: dict[int, int]) -> int:
    """How many ways go on by these edges at most."""
    total = 0
    groups: dict[str, int] = {}
    for target, group, _ in edges:
        count = found[id(target)]
        if group:
            groups[group] = max(groups.get(group, 0), count)
        else:
            total += count
    return total + sum(groups.values())


def _edges(schema: dict[str, Any], root: dict[str, Any]) -> Iterator[_Edge]:
    for target, group, choice in _applied(schema, root):
        if isinstance(target, dict):  # true and false cost nothing
            yield _Edge(target, group, choice)


def _applied(schema: dict[str, Any], root: dict[str, Any]) -> Iterator[tuple[Any, str, bool]]:
    for key in _ALTERNATIVES:
        for part in schema.get(key) or ():
            yield part, "", True
    for key in _CONDITIONS:
        yield schema.get(key), "", True
    for part in schema.get("allOf") or ():
        yield part, "", False
    for part in (schema.get("dependentSchemas") or {}).values():
        yield part, "", False
    for key in ("$ref", "$dynamicRef"):
        yield resolve(schema.get(key), root), "", False
    for part in (schema.get("properties") or {}).values():
        yield part, "member or item", False
    for part in (schema.get("patternProperties") or {}).values():
        yield part, "", False
    for part in schema.get("prefixItems") or ():
        yield part, "member or item", False
    for key in ("additionalProperties", "items"):
        yield schema.get(key), "member or item", False
    for key in ("unevaluatedProperties", "unevaluatedItems", "propertyNames", "contains"):
        yield schema.get(key), "", True


def _loops(root: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The strongly connected components of the schemas, each behind those that it leads to.

    Tarjan's algorithm, without recursion: references may be chained without end.
    """
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    pending: list[dict[str, Any]] = []
    pending_ids: set[int] = set()
    path = [(root, _targets(root, root))]
    while path:
        schema, targets = path[-1]
        place = id(schema)
        if place not in order:
            order[place] = low[place] = len(order)
            pending.append(schema)
            pending_ids.add(place)
        for target in targets:
            if id(target) not in order:
                path.append((target, _targets(target, root)))
                break
            if id(target) in pending_ids:
                low[place] = min(low[place], order[id(target)])
        else:
            path.pop()
            if path:
                above = id(path[-1][0])
                low[above] = min(low[above], low[place])
            if low[place] == order[place]:
                loop: list[dict[str, Any]] = []
                while not loop or loop[-1] is not schema:
                    loop.append(pending.pop())
                    pending_ids.remove(id(loop[-1]))
                yield loop


def _targets(schema: dict[str, Any], root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (edge.target for edge in _edges(schema, root))
