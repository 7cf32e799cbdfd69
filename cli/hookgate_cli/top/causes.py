"""What is wrong, in as many lines as there is room for. Pure."""

from typing import Any

from rich.text import Text

from hookgate_cli.common import out
from hookgate_cli.terminal import printable

from . import words

_LEVELS = {
    "critical": ("bold red", "✗"),
    "warning": ("bold yellow", "!"),
    "note": ("cyan", "i"),
    "good": ("green", "✓"),
    "unsure": ("dim", "?"),
}
_KEYS = """\
q          quit
p, space   let it stand still, and go on
o          show what failed, was refused from inside, from outside the ranges, was left; all
c          show one contract after another
↑ ↓, j k   move the cursor; PgUp PgDn Home End too
Enter      explain the request under the cursor, from its gate's ledger
?, h       this
"""


def cause_lines(picture: dict[str, Any], width: int, most: int) -> list[Text]:
    """Write the causes, the worst first; how many more there are, where there is no room."""
    lines: list[Text] = []
    causes = picture["causes"]
    for number, cause in enumerate(causes):
        wrapped = wrap(_sentence(cause), width)
        is_last = number == len(causes) - 1
        if number and len(lines) + len(wrapped) > most - (not is_last):
            more = len(causes) - number
            lines.append(Text(f"  and {more} more: press ?", "dim"))
            break
        lines += wrapped[:most]
    return lines


def help_lines(picture: dict[str, Any], width: int) -> list[Text]:
    """Write all causes, what was wrong of late, and what to press."""
    lines = [Text("What is wrong", "bold")]
    for cause in picture["causes"]:
        lines += wrap(_sentence(cause), width)
    if picture["lately"]:
        lines += [Text(), Text("What was wrong of late", "bold")]
    for cause in picture["lately"]:
        ended = Text(f"until {words.clock(cause['until'])}: {printable(cause['what'])}", "dim")
        lines += wrap(ended, width)
    return [*lines, Text(), Text("Keys", "bold"), *map(Text, _KEYS.splitlines())]


def wrap(text: Text, width: int) -> list[Text]:
    """Break a text into lines."""
    return list(text.wrap(out, max(width, 10)))


def _sentence(cause: dict[str, Any]) -> Text:
    style, sign = _LEVELS[cause["level"]]
    text = Text().append(f"{sign} {printable(cause['what'])}", style)
    return text.append(f" {printable(cause['first'])}" if cause["first"] else "")
