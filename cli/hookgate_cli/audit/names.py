"""Lists of events to ask for: names one a line, JSON, JSON Lines, or a table with a header (CSV).

What is understood in none of these ways is refused, with its line: asked for as it stands it would
be "never seen".
"""

import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hookgate_cli.common import fail

# What a column or a member may be called, letters and digits alone, the best first.
_KNOWN = (
    "reference", "references", "ref", "eventreference", "requestid", "xrequestid", "sha256",
    "bodysha256", "identifier", "mailid", "payment",
)  # fmt: skip
_MEMBERS = '"reference"'
_DELIMITERS = ",;\t|"
_LONGEST = 1024
_QUOTED = re.compile(r"""(["'])((?:(?!\1).)*)\1""", re.DOTALL)
_DECODER = json.JSONDecoder()
# Lines that are plainly of something else, and of what.
_NO_NAMES = (
    (re.compile(r"[\[\]{}]+,?|[\[{].*|.*[\]}],?", re.DOTALL), "a part of JSON"),
    (re.compile(r'".*",|"[^"]*"\s*:.*'), "a part of JSON"),
    (re.compile(r"<.*"), "XML or HTML"),
    (re.compile(r"(?:[-*] |---).*"), "an item of a list"),
    (re.compile(r"#.*|//.*"), "a comment"),
    (re.compile(r"[\w.-]+ ?(?:=|: ).*"), "a name with a value"),
    (re.compile(r".*[\x00-\x1f\x7f].*", re.DOTALL), "text with control characters"),
)


def read_names(file: str) -> list[str]:
    """Read the names that a file lists, or standard input where it is `-`, in their order.

    Prints what is wrong, with its line, and exits with 2 where anything is no name.
    """
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    text = _decode(data, file)
    beginning = text.lstrip()[:1]
    names = _of_json(text, file) if beginning in ("{", "[") else _of_lines(text, file)
    return list(names)


def _decode(data: bytes, file: str) -> str:
    if data.startswith(b"PK\x03\x04"):
        fail(f"{file} is an archive or a spreadsheet: save the list as CSV, or as text")
    encoding = "utf-8-sig"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif data[1:2] == b"\0":
        encoding = "utf-16-le"
    elif data[:1] == b"\0":
        encoding = "utf-16-be"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        kind = "UTF-8" if encoding == "utf-8-sig" else "UTF-16"
        line = data.count(b"\n", 0, error.start) + 1
        fail(f"{file}:{line} is no {kind}")


def _of_json(text: str, file: str) -> Iterator[str]:
    """Read the names in one JSON document after the other."""
    at = 0
    while (at := at + len(text[at:]) - len(text[at:].lstrip())) < len(text):
        line = text.count("\n", 0, at) + 1
        try:
            document, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            where = getattr(error, "lineno", line)
            fail(f"{file}:{where} is no JSON")
        yield from _of_document(document, f"{file}:{line}")
        at = end


def _of_document(document: Any, place: str) -> Iterator[str]:
    if isinstance(document, list):
        for number, item in enumerate(document, 1):
            yield from _of_item(item, f"{place}, item {number},")
    elif isinstance(document, dict) and (items := _items(document)) is not None:
        yield from _of_document(items, place)
    else:
        yield from _of_item(document, place)


def _items(document: dict[str, Any]) -> list[Any] | None:
    """The list that is all that an object holds, or its references."""
    only = next(iter(document.values())) if len(document) == 1 else None
    items = _member(document) or only
    return items if isinstance(items, list) else None


def _of_item(item: Any, place: str) -> Iterator[str]:
    value = item
    if isinstance(item, dict):
        value = _member(item)
        if value is None:
            fail(f"{place} has no {_MEMBERS}")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        fail(f"{place} is neither a text nor an object with a {_MEMBERS}")
    yield value


def _member(document: dict[str, Any]) -> Any:
    """What names the event: its reference, else its own, else another known name."""
    known = {_plain(name): value for name, value in reversed(document.items()) if value}
    event = document.get("event")
    if isinstance(event, dict):
        known.setdefault("eventreference", event.get("reference"))
    return next((known[name] for name in _KNOWN if known.get(name)), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _of_lines(text: str, file: str) -> Iterator[str]:
    first = next((line for line in re.split(r"\r\n|\r|\n", text) if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    names = [_plain(cell) for cell in next(csv.reader([first], delimiter=delimiter), [])]
    column = next((names.index(name) for name in _KNOWN if name in names), None)
    if column is not None:
        yield from _of_table(text, file, delimiter, column, len(names))
    elif len(names) > 1:
        fail(
            f"{file}:1 has {len(names)} columns, and none is called reference, event_reference,"
            " request_id or sha256; name the one that is asked for"
        )
    else:
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
            if line := line.strip():
                yield _name(line, f"{file}:{number}")


def _of_table(text: str, file: str, delimiter: str, column: int, width: int) -> Iterator[str]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    is_header = True
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            fail(f"{file}:{line} is no row of the table: {error}")
        if not any(cell.strip() for cell in row):
            continue
        if is_header:
            is_header = False
        elif len(row) > width:
            fail(f"{file}:{line} has {len(row)} cells, and the header {width}")
        elif column < len(row) and (cell := row[column].strip()):
            yield cell


def _name(line: str, place: str) -> str:
    if line.startswith("{"):
        return next(_of_json(line, place.rpartition(":")[0]))
    if match := _QUOTED.fullmatch(line):
        line = match[2].strip()
    wrong = next((what for pattern, what in _NO_NAMES if pattern.fullmatch(line)), None)
    if len(line) > _LONGEST:
        wrong = "longer than any name"
    if wrong is not None or not line:
        fail(
            f"{place} is no name of an event: {wrong or 'empty'}; one a line, JSON, or CSV with a"
            ' column "reference" are understood'
        )
    return line
