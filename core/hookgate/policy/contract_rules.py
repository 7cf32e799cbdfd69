"""What a contract brings beside its schema: the answer, the retry rule, what the record reads.

It is TOML, `NAME.toml` beside the schema `NAME.json`.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hookgate.settings import AnswerMode

from .retry import RetryRule
from .validator import ContractError

# A JSON Pointer (RFC 6901) by its steps; EACH stands for every item of an array.
Pointer = tuple[str, ...]
EACH = "*"
_LONGEST_POINTER = 256

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


def parse_rules(text: bytes) -> ContractRules:
    """Parse the text of a rules file; of none, b"", the defaults.

    Raises `ContractError` that names the key, its value and a mend.
    """
    try:
        document = tomllib.loads(text.decode())
    except UnicodeDecodeError:
        raise ContractError("its rules are not UTF-8; save them as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ContractError(f"its rules are no TOML: {error}") from None
    _refuse_unknown("", document, _TABLES)
    retry = _table(document, "retry")
    record = _table(document, "record") if "record" in document else None
    return ContractRules(
        _parse_answer(document.get("answer", AnswerMode.OK)),
        _parse_retry(retry) if retry else None,
        _parse_assumed(retry.get("assumed", False)),
        READ if record is None else _parse_record(record),
    )


def _wrong(key: str, value: Any, why: str) -> ContractError:
    return ContractError(f"its rules: {key} = {json.dumps(value, default=str)} {why}")


def _refuse_unknown(table: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise ContractError(f"its rules: {table}{name} is no key; there are {', '.join(known)}")


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise _wrong(name, table, f"is a table; write [{name}] and its keys below")
    return table


def _parse_answer(value: Any) -> AnswerMode:
    if value not in tuple(AnswerMode):
        raise _wrong("answer", value, f'is none of "{AnswerMode.OK}", "{AnswerMode.RELAY}"')
    return AnswerMode(value)


def _parse_assumed(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong("retry.assumed", value, "is neither true nor false")
    return value


def _parse_retry(table: Mapping[str, Any]) -> RetryRule:
    _refuse_unknown("retry.", table, _RETRY)
    parts = []
    if "tries" in table:
        tries = table["tries"]
        if type(tries) is not int:
            raise _wrong("retry.tries", tries, "is no whole number; write one like 3")
        parts.append(f"{tries} tries")
    if "span" in table:
        span = table["span"]
        if not isinstance(span, str):
            raise _wrong("retry.span", span, 'is no text; write one like "24h" or "30d"')
        parts.append(span)
    if not parts:
        raise ContractError("its rules: [retry] has neither tries nor span; give it one, or none")
    try:
        return RetryRule.parse(", ".join(parts))
    except ValueError as error:
        raise _wrong("retry", dict(table), str(error)) from None


def _parse_record(table: Mapping[str, Any]) -> Mapping[str, tuple[Pointer, ...]]:
    _refuse_unknown("record.", table, tuple(READ))
    return {name: _parse_pointers(f"record.{name}", table.get(name, [])) for name in READ}


def _parse_pointers(key: str, value: Any) -> tuple[Pointer, ...]:
    texts = value if isinstance(value, list) else [value]
    return tuple(_parse_pointer(key, text) for text in texts)


def _parse_pointer(key: str, text: Any) -> Pointer:
    if not isinstance(text, str) or not text.startswith("/") or len(text) > _LONGEST_POINTER:
        raise _wrong(key, text, 'is no JSON pointer; write one like "/from/number"')
    steps = text[1:].split("/")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)
