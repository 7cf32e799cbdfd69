"""What a contract brings beside its schema: the answer, the retry rule, what the record reads.

It is TOML, `NAME.toml` beside the schema `NAME.json`.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from hookgate.settings import AnswerMode
from hookgate.wording import MOST_TOLD, offer, shown

from .retry import MOST_TRIES, RetryRule
from .validator import ContractError

# A JSON Pointer (RFC 6901) by its steps; EACH stands for every item of an array.
Pointer = tuple[str, ...]
EACH = "*"
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+")
_LONGEST_POINTER = 256
_STRAY_TILDE = re.compile(r"~(?![01])")
# ['name'], ["name"], [*] or [0]
_BRACKETS = re.compile(r"""\[(?:'([^']*)'|"([^"]*)"|\*|[0-9]+)\]""")
# Of one field; each costs a look-up.
_MOST_POINTERS = 16
_LONGEST_SHOWN = 80

# The fields of a record that are read of an event, and where those of cm-events stand.
READ: Mapping[str, tuple[Pointer, ...]] = {
    "reference": (("reference",),),
    "event_reference": (("event", "reference"),),
    "names": (),
    "channel": (("channel",),),
    "event_type": (("event", "type"),),
    "from": (("from", "number"),),
    "to": (("to", "number"),),
    "time_utc": (("timeUtc",),),
}
_TABLES = ("answer", "retry", "record")
_RETRY = ("tries", "span", "assumed")


@dataclass(frozen=True, slots=True)
class ContractRules:
    """Hold what a contract says beside its schema.

    `retry` is None where the provider's is not known. `read` has the pointers of each field of
    `READ`: of several the first that leads to a value counts, of `names` each does. `assumed` says
    that the retry rule is documented nowhere.
    """

    answer: AnswerMode = AnswerMode.OK
    retry: RetryRule | None = None
    assumed: bool = False
    read: Mapping[str, tuple[Pointer, ...]] = field(default_factory=lambda: READ)


class RulesError(ContractError):
    """Report what is wrong with a rules file: in `problems`, a line each."""


def parse_rules(text: bytes) -> ContractRules:
    """Parse the text of a rules file; of none, b"", the defaults.

    Raises `RulesError` with every problem: each names the key, its value and a mend.
    """
    try:
        document = tomllib.loads(text.decode())
    except UnicodeDecodeError:
        raise RulesError("not UTF-8; save it as UTF-8") from None
    except (ValueError, RecursionError) as error:  # ValueError: an integer of thousands of digits
        raise RulesError(f"no TOML: {error}") from None
    problems: list[str] = []
    _refuse_unknown("", document, _TABLES, problems)
    retry = _table(document, "retry", problems)
    record = _table(document, "record", problems)
    rules = ContractRules(
        _parse_answer(document.get("answer", AnswerMode.OK), problems),
        None if retry is None else _parse_retry(retry, problems),
        False if retry is None else _parse_assumed(retry.get("assumed", False), problems),
        READ if record is None else _parse_record(record, problems),
    )
    if problems:
        raise RulesError(*problems)
    return rules


def _wrong(key: str, value: Any, why: str) -> str:
    return f"{key} = {shown(value)} {why}"


def _refuse_unknown(
    table: str, given: Mapping[str, Any], known: tuple[str, ...], problems: list[str]
) -> None:
    for name in given:
        if name not in known:
            # Of more than are told nobody reads the mend, which takes time to find.
            mend = offer(name, known) if len(problems) < MOST_TOLD else ""
            problems.append(f"{table}{name[:_LONGEST_SHOWN]} is no key; {mend}")


def _table(document: Mapping[str, Any], name: str, problems: list[str]) -> dict[str, Any] | None:
    table = document.get(name)
    if table is None or isinstance(table, dict):
        return table
    problems.append(_wrong(name, table, f"is no table; write [{name}] and its keys below"))
    return None


def _parse_answer(value: Any, problems: list[str]) -> AnswerMode:
    if value in tuple(AnswerMode):
        return AnswerMode(value)
    problems.append(_wrong("answer", value, f'is none of "{AnswerMode.OK}", "{AnswerMode.RELAY}"'))
    return AnswerMode.OK


def _parse_assumed(value: Any, problems: list[str]) -> bool:
    if not isinstance(value, bool):
        problems.append(_wrong("retry.assumed", value, "is neither true nor false"))
    return value is True


def _parse_retry(table: Mapping[str, Any], problems: list[str]) -> RetryRule | None:
    _refuse_unknown("retry.", table, _RETRY, problems)
    tries, span = table.get("tries"), table.get("span")
    if tries is None and span is None:
        problems.append("[retry] has neither tries nor span; give it one, or leave it out")
    if tries is not None and (type(tries) is not int or not 1 <= tries <= MOST_TRIES):
        why = f"is no whole number from 1 to {MOST_TRIES}; write how often it is tried in all"
        problems.append(_wrong("retry.tries", tries, why))
        tries = None
    seconds = None
    if span is not None:
        seconds = _span(span)
        if seconds is None:
            why = 'is no span from "1s" to "366d"; write one like "24h" or "30d"'
            problems.append(_wrong("retry.span", span, why))
    return RetryRule(tries, seconds) if tries or seconds else None


def _span(value: Any) -> int | None:
    try:
        return RetryRule.parse(value).span if isinstance(value, str) else None
    except ValueError:
        return None


def _parse_record(
    table: Mapping[str, Any], problems: list[str]
) -> Mapping[str, tuple[Pointer, ...]]:
    _refuse_unknown("record.", table, tuple(READ), problems)
    return {name: _parse_pointers(f"record.{name}", table.get(name, []), problems) for name in READ}


def _parse_pointers(key: str, value: Any, problems: list[str]) -> tuple[Pointer, ...]:
    texts = value if isinstance(value, list) else [value]
    if len(texts) > _MOST_POINTERS:
        problems.append(f"{key} has {len(texts)} pointers; keep the first {_MOST_POINTERS} or less")
        return ()
    pointers = []
    for text in texts:
        if _is_pointer(text):
            steps = text[1:].split("/")
            pointers.append(tuple(step.replace("~1", "/").replace("~0", "~") for step in steps))
        else:
            meant = _meant(text) if isinstance(text, str) else ""
            mend = json.dumps(meant) if _is_pointer(meant) else 'one like "/from/number"'
            problems.append(_wrong(key, text, f"is no JSON pointer; write {mend}"))
    return tuple(pointers)


def _is_pointer(text: Any) -> TypeGuard[str]:
    return (
        isinstance(text, str)
        and len(text) <= _LONGEST_POINTER
        and _POINTER.fullmatch(text) is not None
    )


def _meant(text: str) -> str:
    """The pointer that was most likely meant: by JSONPath (RFC 9535), dots, or no escapes."""
    text = text.strip().removeprefix("#")  # of a reference, as JSON Schema writes one
    if not text.startswith("/"):
        if "/" not in text:
            # Here no index is counted: the first that leads to a value is taken.
            text = _BRACKETS.sub(lambda found: f".{found[1] or found[2] or EACH}", text).replace(
                ".", "/"
            )
        text = "/" + text.removeprefix("$").removeprefix("/")
    return "" if "//" in text or text == "/" else _STRAY_TILDE.sub("~0", text)
