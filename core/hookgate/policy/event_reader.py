"""What a record reads of an event, by the pointers of its contract's rules. Pure."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from re import compile as compile_pattern
from textwrap import dedent, indent
from typing import Any

from .contract_rules import EACH, READ, Pointer
from .document import Document
from .utc_time import is_utc_time

LONGEST_TEXT = 256
MOST_NAMES = 64
# As `channel` and `event_type` are recorded; anything else is "other".
_WORD = compile_pattern(r"[A-Za-z_ ]{1,64}")
_LONGER_WORD = 65
_BEYOND_64_BITS = 2**64
# How many items of arrays are looked at for one pointer.
_MOST_ITEMS = 1_000

Record = dict[str, Any]
Private = Callable[[str], str | None]

_NAME, _WORDS, _PARTY, _TIME = "name", "word", "party", "time"
_KINDS = {
    "reference": _NAME,
    "event_reference": _NAME,
    "names": _NAME,
    "channel": _WORDS,
    "event_type": _WORDS,
    "from": _PARTY,
    "to": _PARTY,
    "time_utc": _TIME,
}


class EventReader:
    """Read the fields of a record from documents, by `read` of a contract's rules.

    `read` is set, a function of a document, the record and `private`: it sets in the record what
    the document says, bounded, and leaves what that lacks as it was. A name that is digits becomes
    text, a member of another type is passed over. `private` turns an identifier of a person into
    what may be recorded of it.
    """

    def __init__(self, read: Mapping[str, tuple[Pointer, ...]] = READ) -> None:
        first = {
            field: pointers[0]
            for field, pointers in read.items()
            if pointers and field != "names" and EACH not in pointers[0]
        }
        self._others = tuple(
            (field, _KINDS[field], pointers[field in first :])
            for field, pointers in read.items()
            if field != "names" and len(pointers) > (field in first)
        )
        self._names = read.get("names", ())
        self._read_first = _compile(first)
        self.read = self._read_all if self._others or self._names else self._read_first

    def _read_all(self, document: Document, record: Record, private: Private) -> None:
        self._read_first(document, record, private)
        for field, kind, pointers in self._others:
            for pointer in pointers:
                if record.get(field) is None:
                    record[field] = next(_values(document, pointer, kind, private), None)
        names = [found for pointer in self._names for found in _texts(document, pointer)]
        if names:
            record["names"] = list(dict.fromkeys(names))[:MOST_NAMES]


# Each at the depth of the object that holds what was found.
_TAKE = {
    _NAME: """
    if type(found) is str:
        record[{field!r}] = found[:{longest}]
    elif type(found) is int:
        record[{field!r}] = digits(found)""",
    _WORDS: """
    if type(found) is str:
        record[{field!r}] = word(found[:{longer_word}])""",
    _PARTY: """
    if type(found) is str:
        record[{field!r}] = private(found)""",
    # A time that is none may be anything, a phone number too.
    _TIME: """
    if type(found) is str and is_utc_time(found):
        record[{field!r}] = found""",
}
_DEEPER = "    "


def _compile(first: Mapping[str, Pointer]) -> Callable[[Document, Record, Private], None]:
    """Write the function that reads what these pointers lead to, object by object.

    Every event goes through it: written out, it takes half of what a loop over the pointers does.
    """
    lines = ["def read(document, record, private):", "    if type(document) is dict:"]
    lines += indent("\n".join(["pass", *_leaves("document", (), first)]), 2 * _DEEPER).split("\n")
    for path in dict.fromkeys(pointer[:-1] for pointer in first.values() if len(pointer) > 1):
        begin, *steps = path
        reach = [f"holder = document.get({begin!r})"]
        reach += (
            f"holder = holder.get({step!r}) if type(holder) is dict else None" for step in steps
        )
        held = ["if type(holder) is dict:", *_leaves("holder", path, first, _DEEPER)]
        lines.append(indent("\n".join((*reach, *held)), 2 * _DEEPER))
    known = {"digits": _digits, "word": _word, "is_utc_time": is_utc_time}
    made: dict[str, Any] = {}
    exec("\n".join(lines), known, made)  # noqa: S102  # nothing of a sender is in it
    read: Callable[[Document, Record, Private], None] = made["read"]
    return read


def _leaves(
    holder: str, path: Pointer, first: Mapping[str, Pointer], prefix: str = ""
) -> Iterator[str]:
    """The lines that take what stands in the object at a path."""
    for field, pointer in first.items():
        if pointer[:-1] == path:
            take = dedent(_TAKE[_KINDS[field]]).strip()
            take = take.format(field=field, longest=LONGEST_TEXT, longer_word=_LONGER_WORD)
            yield indent(f"found = {holder}.get({pointer[-1]!r})\n{take}", prefix)


def _values(document: Any, pointer: Pointer, kind: str, private: Private) -> Any:
    for found in _texts(document, pointer, digits=kind is _NAME):
        if kind is _PARTY:
            yield private(found)
        elif kind is _WORDS:
            yield _word(found[:_LONGER_WORD])
        elif kind is _NAME or is_utc_time(found):
            yield found


def _texts(document: Any, pointer: Pointer, *, digits: bool = True) -> Any:
    """The texts that a pointer leads to, each bounded, in their order."""
    values = [document]
    for step in pointer:
        if step == EACH:
            lists = (value for value in values if type(value) is list)
            values = [item for value in lists for item in value[:_MOST_ITEMS]][:_MOST_ITEMS]
        else:
            values = [value[step] for value in values if type(value) is dict and step in value]
    for value in values:
        if type(value) is str and value:
            yield value[:LONGEST_TEXT]
        elif type(value) is int and digits and (text := _digits(value)) is not None:
            yield text


def _digits(number: int) -> str | None:
    """A name that is digits; None beyond 64 bits, which only a refused body holds."""
    return str(number) if 0 <= number < _BEYOND_64_BITS else None


@lru_cache(maxsize=256)
def _word(text: str) -> str:
    return text if _WORD.fullmatch(text) is not None else "other"
