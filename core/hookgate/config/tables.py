"""The keys of a table, each read by its parser."""

from collections.abc import Mapping
from typing import Any

from hookgate.wording import MOST_TOLD, offer

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

    `where` is what a key's name is put behind; `also` names the keys that somebody else reads.
    """
    values = {}
    for name, value in given.items():
        if name in also:
            continue
        if name not in known:
            mend = offer(name, dict.fromkeys((*known, *also))) if len(problems) < MOST_TOLD else ""
            problems.append(f"{where}{name} is no key; {mend}")
            continue
        try:
            parsed = known[name][0](value)
            if isinstance(value, str) and isinstance(parsed, bool):
                raise ValueError(f"is text; write {value}")
            values[name] = parsed
        except ValueError as error:
            problems.append(f"{where}{name} = {shown(value)} {error}")
    return values
