"""What a record reads of an event, by the pointers of its contract's rules. Pure."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from re import compile as compile_pattern
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
# Field and kind; what the object at a path has of it, by its last step.
_Leaf = tuple[str, str, str]

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

    What the first pointers of the fields lead to is read object by object: eleven look-ups and no
    call, 1.3 us for a CM.com event. What other pointers lead to is looked for where that gave none.
    """

    def __init__(self, read: Mapping[str, tuple[Pointer, ...]] = READ) -> None:
        plan: dict[Pointer, list[_Leaf]] = {}
        others: list[tuple[str, str, tuple[Pointer, ...]]] = []
        for field, pointers in read.items():
            if field == "names" or not pointers:
                continue
            first, rest = pointers[0], pointers[1:]
            if EACH in first:
                rest = pointers
            else:
                plan.setdefault(first[:-1], []).append((first[-1], field, _KINDS[field]))
            if rest:
                others.append((field, _KINDS[field], rest))
        self._plan = tuple((path, tuple(leaves)) for path, leaves in plan.items())
        self._others = tuple(others)
        self._names = read.get("names", ())

    def read(self, document: Document, record: Record, private: Private) -> None:
        """Set in `record` what the document says, bounded; what it lacks stays as it was.

        A name that is digits becomes text, a member of another type is passed over. `private`
        turns an identifier of a person into what may be recorded of it.
        """
        for path, leaves in self._plan:
            holder: Any = document
            for step in path:
                holder = holder.get(step) if type(holder) is dict else None
            if type(holder) is not dict:
                continue
            for name, field, kind in leaves:
                found = holder.get(name)
                if type(found) is str:
                    if kind is _NAME:
                        record[field] = found[:LONGEST_TEXT]
                    elif kind is _WORDS:
                        record[field] = _word(found[:_LONGER_WORD])
                    elif kind is _PARTY:
                        record[field] = private(found)
                    # A time that is none may be anything, a phone number too.
                    elif is_utc_time(found):
                        record[field] = found
                elif type(found) is int and kind is _NAME:
                    record[field] = _digits(found)
        if self._others:
            self._read_others(document, record, private)
        if self._names:
            names = [found for pointer in self._names for found in _texts(document, pointer)]
            if names:
                record["names"] = list(dict.fromkeys(names))[:MOST_NAMES]

    def _read_others(self, document: Document, record: Record, private: Private) -> None:
        for field, kind, pointers in self._others:
            for pointer in pointers:
                if record.get(field) is not None:
                    break
                record[field] = next(_values(document, pointer, kind, private), None)


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
