"""The keys of a table, each read by its parser."""

from collections.abc import Mapping
from typing import Any

from .parsers import Parser
from .redaction import shown


def parse_table(
    known: Mapping[str, tuple[Parser, str]],
    given: Mapping[str, Any],
    where: str,
    problems: list[str],
    also: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Parse the values of a table; what is no key or cannot be used is a problem, and left out.

    `also` names the keys that somebody else reads.
    """
    values = {}
    for name, value in given.items():
        if name in also:
            continue
        if name not in known:
            names = ", ".join((*known, *also))
            problems.append(f"{where}.{name} is no key; there are {names}")
            continue
        try:
            values[name] = known[name][0](value)
        except ValueError as error:
            problems.append(f"{where}.{name} = {shown(value)} {error}")
    return values
