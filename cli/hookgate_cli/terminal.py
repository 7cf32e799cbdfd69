"""Output for a terminal: data never moves the cursor, colours, hides or forges anything there."""

import io
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

# What does not print by itself, but for what rich lays out with.
_UNPRINTABLE = re.compile(r"[^\n\t\x20-\x7e]+")
# For terminals and files whose encoding lacks what charts and tables are drawn with.
_PLAIN = str.maketrans(
    dict(zip("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉–…·✗✓↑↓⏎", ".:-=+*%#...####-.-X+^v>", strict=True)) | {"≤": "<="}  # noqa: RUF001
)


# Columns of what is no terminal: whoever reads a pipe or a file breaks its lines, or copies them.
_UNBROKEN = 1 << 16


def printable(text: object) -> str:
    """Return a text in which every character that does not print is escaped, such as `\\x1b`.

    Those are C0, DEL and C1, line and paragraph separators, marks of direction and other format
    characters, lone surrogates, and what Unicode has not assigned.
    """
    text = str(text)
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()


def to_json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON of printable ASCII."""
    return json.dumps(value, indent=indent).replace("\x7f", r"\u007f")


def print_json(value: Any, indent: int | None = None) -> None:
    """Print a value as JSON of printable ASCII, on one line unless indented."""
    sys.stdout.write(to_json(value, indent) + "\n")


class Terminal(Console):
    """A console that takes strings literally: no markup, no emoji codes, no control characters.

    Whatever is printed is escaped as `printable` does; print a Text for style. Where it is no
    terminal no line is broken, and none that is laid out ends in blanks.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)
        if not self.file.isatty():
            self.width = _UNBROKEN

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as a Console does, with every text made printable."""
        is_plain = not self.encoding.lower().startswith("utf")
        segments = super().render(renderable, options)
        # Of what is laid out, a table above all. The blanks of a text are its own.
        if not isinstance(renderable, str | Text) and not self.file.isatty():
            segments = _without_padding(segments)
        for segment in segments:
            text, style, control = segment
            if control or (text.isascii() and not _UNPRINTABLE.search(text)):
                yield segment
            else:
                text = _UNPRINTABLE.sub(lambda found: printable(found[0]), text)
                yield Segment(text.translate(_PLAIN) if is_plain else text, style)


def _without_padding(segments: Iterable[Segment]) -> Iterator[Segment]:
    for line in Segment.split_lines(segments):
        while line and not line[-1].text.strip():
            line.pop()
        if line:
            line[-1] = line[-1]._replace(text=line[-1].text.rstrip())
        yield from (*line, Segment.line())


def escape_unencodable() -> None:
    """Let stdout and stderr escape what their encoding lacks, as in the C locale."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
