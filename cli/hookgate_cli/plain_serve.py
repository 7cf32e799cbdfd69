"""`hookgate serve` with its options in their usual form, read without typer.

typer, with the library that it checks types by, takes a third of the time to the first answer.
"""

from collections.abc import Sequence
from typing import Any

_WITH_VALUE = {
    "--config": "config",
    "-c": "config",
    "--upstream": "upstream",
    "--listen": "listen",
    "--audit": "audit",
}
_FLAGS = {"--observe": "observe", "--ship": "ship"}


def read(arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return what `serve` is given, by parameter, as typer would.

    None for all that typer has to see: other verbs, `--help`, mistakes, and forms that are neither
    `--name value` nor `--name=value`.
    """
    if not arguments or arguments[0] != "serve":
        return None
    given: dict[str, Any] = {}
    words = iter(arguments[1:])
    for word in words:
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            given[_FLAGS[word]] = True
        elif name not in _WITH_VALUE or (equals and not name.startswith("--")):
            return None
        elif equals:
            given[_WITH_VALUE[name]] = value
        elif (following := next(words, None)) is not None:
            given[_WITH_VALUE[name]] = following
        else:
            return None
    return given
