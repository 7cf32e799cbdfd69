"""Words of messages about what somebody wrote: bounded, with the nearest right name."""

import json
import shlex
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

# Whoever mends twenty faults asks again.
MOST_TOLD = 20
_LONGEST_SHOWN = 80
_LONGEST_NAME = 64
_MOST_OFFERED = 40
_MOST_COMPARED = 1_000


def shown(value: object) -> str:
    """Return a value as JSON, cut off where it is long."""
    try:
        text = json.dumps(value, default=str)
    except (ValueError, RecursionError):  # of thousands of digits or levels
        return "..."
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def in_shell(text: object) -> str:
    """Write a text as one word of a shell's command, which shows on a terminal as it is.

    What does not print stands as in bash, zsh, ksh and POSIX.1-2024 (`$'...'`).
    """
    text = str(text)
    return shlex.quote(text) if text.isprintable() else f"$'{''.join(map(_in_dollars, text))}'"


def path_in_shell(path: object) -> str:
    """Write a path as `in_shell` does, so that no command takes it for an option."""
    text = str(path)
    return in_shell(f"./{text}" if text.startswith("-") else text)


def argument_in_shell(text: object) -> str:
    """Write a text as `in_shell` does, as the last argument of a command: behind `--` where it
    would be taken for an option.
    """
    return f"-- {in_shell(text)}" if str(text).startswith("-") else in_shell(text)


def _in_dollars(character: str) -> str:
    if character.isprintable() and character not in "\\'":
        return character
    # A name of a file that is no UTF-8 comes as such surrogates.
    is_byte = "\udc80" <= character <= "\udcff"
    data = character.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
    return "".join(f"\\{byte:03o}" for byte in data)


def span(seconds: float) -> str:
    """Write how long something lasts, as people say it: "17 min"."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds / size)} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 or not seconds else f"{seconds:.2g} s"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the name of those known that one was most likely meant for; None if none is near."""
    from difflib import get_close_matches  # noqa: PLC0415  # 4 ms, needed for a mistake only

    by_word = {word.lower(): word for word in islice(known, _MOST_COMPARED)}
    close = get_close_matches(name[:_LONGEST_NAME].lower(), by_word, 1)
    return by_word[close[0]] if close else None


def offer(name: str, known: Iterable[str], written: Callable[[str], str] = str) -> str:
    """Return the mend for a name that there is not: the nearest one, or all of them.

    `written` says how a name stands where it belongs.
    """
    known = tuple(known)
    close = nearest(name, known)
    if close is not None:
        return f"did you mean {written(close)}?"
    more = ", ..." if len(known) > _MOST_OFFERED else ""
    return f"there are {', '.join(map(written, known[:_MOST_OFFERED]))}{more}"


class Offers:
    """Offer mends for the first slips: of more than are told nobody reads them, and each takes time
    to find.
    """

    def __init__(self) -> None:
        self._left = MOST_TOLD

    def __call__(self, name: str, known: Iterable[str]) -> str:
        """Return what `offer` does, in the quotes of JSON; "" for whoever asks too often."""
        self._left -= 1
        return offer(name, known, shown) if self._left >= 0 else ""


def first_few(problems: Sequence[str]) -> list[str]:
    """Return the first `MOST_TOLD`, and how many more there are in place of the others."""
    more = len(problems) - MOST_TOLD
    if more <= 1:  # it takes a line itself; of what was cut already nothing is cut again
        return list(problems)
    return [*problems[:MOST_TOLD], f"and {more} more; mend these first"]
