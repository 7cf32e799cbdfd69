"""The manual pages of the command and of hookgate.toml, made of what `--help` and the keys say.

`make man` writes them as roff into build/man, and the site of the docs has the same as Markdown.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from typer.main import get_command

from hookgate import __version__
from hookgate.config.keys import CHANNEL_KEYS, KEYS, ROUTE_KEYS, SECTIONS, SIGNATURE_KEYS
from hookgate.wording import shown
from hookgate_cli.verbs import app

# What typer says of each argument, though its name says it already.
_TYPE = re.compile(r" <(?:list\[)?[a-zA-Z]+\]?>")
Rows = Sequence[tuple[str, str]]
STATUSES = [
    ("0", "All is well."),
    ("1", "It could not be done, or something was found; trying again may help a start."),
    ("2", "A mistake in the configuration or on the command line: a person has to mend it."),
]
PLACES = [
    ("hookgate.toml", "The configuration, in the working directory; see hookgate.toml(5)."),
    ("HOOKGATE_CONFIG", "Another file in its place."),
    ("HOOKGATE_SECTION__KEY", "In place of a key of the file, as HOOKGATE_UPSTREAM__URL."),
]


class Page(NamedTuple):
    """A page of the manual: its names, a line about it, how it is called, and its sections."""

    words: tuple[str, ...]
    section: int
    about: str
    synopsis: str
    text: str
    tables: dict[str, Rows]

    @property
    def name(self) -> str:
        return "-".join(self.words)


def verbs() -> Iterator[Page]:
    """Make the page of the command, and after it that of each verb, with those below it."""
    yield from _verb(get_command(app), None, "hookgate")


def _verb(command: Any, parent: Any, name: str) -> Iterator[Page]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    words = tuple(context.command_path.split())
    records = [(p, p.get_help_record(context)) for p in command.get_params(context)]
    below = [
        (each, command.get_command(context, each))
        for each in (command.list_commands(context) if hasattr(command, "list_commands") else ())
    ]
    about, _, text = (command.help or "").replace("\\[", "[").partition("\n\n")
    tables: dict[str, Rows] = {}
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        tables[title] = [
            (_TYPE.sub("", names), about.replace("\\[", "["))
            for param, (names, about) in filter(lambda row: row[1] is not None, records)
            if param.param_type_name == kind
        ]
    tables["Verbs"] = [
        (" ".join((*words, each)), verb.get_short_help_str(200)) for each, verb in below
    ]
    if parent is None:
        tables |= {"Exit status": STATUSES, "Files and environment": PLACES}
    synopsis = " ".join((*words, *command.collect_usage_pieces(context)))
    yield Page(words, 1, about, synopsis, text, {k: rows for k, rows in tables.items() if rows})
    for each, verb in below:
        yield from _verb(verb, context, each)


def keys() -> Page:
    """Make the page of the configuration: every key, its default and what it is for."""
    tables: dict[str, Rows] = {}
    for section in SECTIONS:
        tables[f"[{section}]"] = [
            (f"{key.name} = {shown(key.default)}", key.about)
            for key in KEYS
            if key.section == section
        ]
    own = {**ROUTE_KEYS, **{f"signature.{name}": key for name, key in SIGNATURE_KEYS.items()}}
    for title, table in (("[[route]]", own), ("[[alarm.channel]]", CHANNEL_KEYS)):
        tables[title] = [(name, about) for name, (_, about) in table.items()]
    return Page(
        ("hookgate.toml",),
        5,
        "The configuration of hookgate.",
        "hookgate.toml",
        "It is TOML. A key that is not there has the default that stands beside it here. "
        "`hookgate config init` writes a file with every key, `hookgate config check` says what is "
        "wrong with one, and `hookgate config show` says what is in effect.",
        tables,
    )


# Lines neither stretched nor broken within words, which are often typed: for groff up to 1.22,
# and since 1.23, where each paragraph goes by these instead.
_PLAIN = (".ad l", ".nh", ".ds AD l", ".nr HY 0")
_SPECIAL = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}


def _roff(text: str) -> str:
    """Return a text as roff that prints it, whatever it begins with; `code` is bold.

    An address may be broken behind its parts, which leaves no hyphen in it.
    """
    escaped = "".join(_SPECIAL.get(character, character) for character in text)
    escaped = re.sub(r"\w+://\S+", lambda url: re.sub(r"(?<=[/?&])(?=\w)", r"\\:", url[0]), escaped)
    lines = re.sub(r"\\\(ga(.+?)\\\(ga", r"\\fB\1\\fR", escaped).split("\n")
    return "\n".join(f"\\&{line}" if line.startswith(".") else line for line in lines)


def _name(names: str) -> str:
    """Return what a row of a table is of: what is typed is bold, what it stands for is not."""
    found = [re.match(r"[^A-Z<\[{ ]+|.+", word) for word in names.split()]
    parts = [(word[0], word.string[word.end() :]) for word in found if word]
    return " ".join(f"\\fB{_roff(typed)}\\fR\\fI{_roff(rest)}\\fR" for typed, rest in parts)


def to_roff(page: Page, date: datetime) -> str:
    """Return a page for man(7)."""
    title = (
        f'.TH "{_roff(page.name.upper())}" {page.section} {date:%Y-%m-%d} "hookgate {__version__}"'
    )
    lines = [title, *_PLAIN, ".SH NAME", f"{_roff(page.name)} \\- {_roff(page.about)}"]
    lines += [".SH SYNOPSIS", f".B {_roff(page.synopsis)}"]
    begins = ".SH DESCRIPTION"
    for block in filter(None, page.text.split("\n\n")):
        lines.append(begins)
        begins = ".PP"
        if block.startswith("  "):
            lines += [".RS 4", ".nf", _roff(block.removeprefix("  ")), ".fi", ".RE"]
        else:
            lines.append(_roff(block))
    for heading, rows in page.tables.items():
        lines.append(f".SH {_roff(heading if heading.startswith('[') else heading.upper())}")
        for names, about in rows:
            lines += [".TP", _name(names), _roff(about) or "\\&"]
    if page.words != ("hookgate",):
        lines += [".SH SEE ALSO", ".BR hookgate (1)"]
    return "\n".join(lines) + "\n"


def to_markdown(page: Page) -> str:
    """Return a page as a section of docs/commands.md."""
    lines = [f"### {' '.join(page.words)}", page.about, f"```\n{page.synopsis}\n```"]
    lines += [
        f"```sh\n{block.removeprefix('  ')}\n```" if block.startswith("  ") else block
        for block in filter(None, page.text.split("\n\n"))
    ]
    for heading, rows in page.tables.items():
        lines.append(f"**{heading}**")
        lines.append("\n".join(f"- `{names}`: {about}" for names, about in rows))
    return "\n\n".join(lines) + "\n"


def write(folder: Path) -> list[Path]:
    """Write every page; the date is $SOURCE_DATE_EPOCH, or today."""
    now = os.environ.get("SOURCE_DATE_EPOCH")
    date = datetime.fromtimestamp(int(now), UTC) if now else datetime.now(UTC)
    files = []
    for page in (*verbs(), keys()):
        file = folder / f"man{page.section}" / f"{page.name}.{page.section}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(to_roff(page, date))
        files.append(file)
    return files


if __name__ == "__main__":
    write(Path(sys.argv[1]))
