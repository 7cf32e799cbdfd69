"""Options that several verbs share, declared once: a group is a NamedTuple of them."""

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints


def grouped(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of its groups, each in the place of the parameter that is one.

    Such a parameter is keyword-only, its type the NamedTuple; typer sees the options.
    """
    parameters = signature(verb).parameters.values()
    groups: dict[str, Any] = {
        one.name: one.annotation for one in parameters if hasattr(one.annotation, "_fields")
    }

    def options() -> Iterator[Parameter]:
        for one in parameters:
            if one.name in groups:
                yield from _options_of(groups[one.name])
            else:
                yield one

    @wraps(verb)
    def run(*arguments: Any, **given: Any) -> None:
        made = {
            name: group(**{one: given.pop(one) for one in group._fields if one in given})
            for name, group in groups.items()
        }
        verb(*arguments, **given, **made)

    shown = Signature(list(options()), return_annotation=None)
    run.__signature__ = shown  # type: ignore[attr-defined]  # inspect's own convention
    run.__annotations__ = {one.name: one.annotation for one in shown.parameters.values()}
    return run


def _options_of(group: Any) -> Iterator[Parameter]:
    for name, annotation in get_type_hints(group, include_extras=True).items():
        default = group._field_defaults[name]
        yield Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
