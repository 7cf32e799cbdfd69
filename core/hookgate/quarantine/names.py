"""What the files of the store are called. Pure.

    ab/                          of the names that begin with ab
    ab/NAME.age                  an item, encrypted
    ab/NAME.json                 its `delivery`, in clear
    ab/NAME.CAUSE.TOKEN.claim    an item that is claimed, to be released for this cause
    ab/NAME.CAUSE.TOKEN.record   its `delivery`
    ab/.NAME.TOKEN.new           one of these that is not whole yet

NAME is what `item_name` makes. Files of other names are nobody's, and left alone.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

Record = Mapping[str, Any]  # a `delivery`, as the ledger has it

ITEM, RECORD, CLAIM, CLAIM_RECORD, NEW = "age", "json", "claim", "record", "new"
FOLDERS = tuple(f"{number:02x}" for number in range(256))
_NAME = r"(?P<item>[0-9a-f]{64}-[0-9a-f]{16})"
_ONCE = r"[0-9a-f]{16}"
_FILE = re.compile(
    rf"{_NAME}\.(?:(?P<kept>age|json)|(?P<cause>[a-z_]{{1,20}})\.{_ONCE}\.(?P<claimed>claim|record))"
    rf"|\.(?P<unborn>[0-9a-f]{{64}}-[0-9a-f]{{16}})\.{_ONCE}\.(?P<new>new)"
)


class FileName(NamedTuple):
    """A file's name, and what it says: of which item it is, and for what cause it was claimed."""

    text: str
    item: str
    kind: str
    cause: str | None


def parse_file_name(text: str, folder: str) -> FileName | None:
    """Read the name of a file in this folder; None where it is none of the store's."""
    match = _FILE.fullmatch(text)
    if match is None:
        return None
    item = match["item"] or match["unborn"]
    kind = match["kept"] or match["claimed"] or match["new"]
    return FileName(text, item, kind, match["cause"]) if item.startswith(folder) else None


def folder_of(item: str) -> str:
    """Name the folder of an item."""
    return item[:2]


def number_of(item: str) -> int:
    """Number the folder of an item, from 0 to 255."""
    return int(item[:2], 16)


def new_name(item: str, token: str) -> str:
    """Name a file that is not whole yet."""
    return f".{item}.{token}.{NEW}"


def claim_name(item: str, cause: str, token: str) -> str:
    """Name a claimed item's file."""
    return f"{item}.{cause}.{token}.{CLAIM}"


def record_name(file: str) -> str:
    """Name the record beside the file of an item, claimed or not."""
    stem, _, kind = file.rpartition(".")
    return f"{stem}.{RECORD if kind == ITEM else CLAIM_RECORD}"


def file_name(record: str) -> str:
    """Name the file of an item, claimed or not, that a record is beside."""
    stem, _, kind = record.rpartition(".")
    return f"{stem}.{ITEM if kind == RECORD else CLAIM}"
