"""One JSON Schema (2020-12), compiled once, that takes no document long."""

from itertools import islice
from math import inf
from typing import Any

import jsonschema_rs

from .document import Document
from .utc_time import is_utc_time, is_utc_time_without_offset
from .ways import ways

MOST_FINDINGS = 8

# jsonschema-rs collects every error before it yields the first, at 1 to 18 us each: 500,000 wrong
# array items took 8.9 s. And each error holds a copy of the value, for each alternative that it
# failed: 10,000 values held against a hundred took 0.6 s. So what is looked for depends on the
# body's size by the ways that its schema leads to a value: 5 and 40 ms at most. The bytes of a body
# count as far as each may be half a value of as many as are allowed by default.
_LIST_ALL_BELOW = 32 * 1024
_TELL_BELOW = 256 * 1024
_CROWDED = 20_000
_MOST_WAYS = 1_000_000


class ContractError(ValueError):
    """Report that a schema cannot be used, for whoever wrote it: in `problems`, a line each."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class Validator:
    """Validate documents by a compiled schema.

    Raises `ContractError` where it is no valid 2020-12 schema, names an unknown format, refers to
    anything outside itself, or would take too long whatever it is asked.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        count, endless = ways(schema)
        if count > _MOST_WAYS:
            raise ContractError(
                f"its references multiply: one value is held against {count} schemas, more than "
                f"{_MOST_WAYS}; what several alternatives refer to, refer to once beside them"
            )
        self._ways = inf if endless else count
        try:
            self._compiled = compile_schema(schema)
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise ContractError(_why_not_compiled(error)) from None
        self.is_valid = self._compiled.is_valid

    @property
    def tells_places(self) -> bool:
        """Tell whether it can say of any document where it is wrong."""
        return self._ways < inf

    def find(self, document: Document, size: int) -> list[jsonschema_rs.ValidationError] | None:
        """Find what is wrong, at most `MOST_FINDINGS` errors; None where to tell takes long.

        `size` is the body's length in bytes. Of a large body only the first is looked for.
        """
        if self.is_valid(document):
            return []
        effort = min(size, _CROWDED) * self._ways
        if effort > _TELL_BELOW:
            return None
        if effort < _LIST_ALL_BELOW:
            return list(islice(self._compiled.iter_errors(document), MOST_FINDINGS))
        try:
            self._compiled.validate(document)
        except jsonschema_rs.ValidationError as error:
            return [error]
        raise AssertionError("is_valid and validate disagree")


def compile_schema(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Compile a 2020-12 schema. Raises ValueError and `jsonschema_rs.ReferencingError`."""
    return jsonschema_rs.Draft202012Validator(
        schema,
        formats={
            "cm-utc-time": is_utc_time_without_offset,
            "cm-utc-time-offset": is_utc_time,
        },
        # This engine takes a time in proportion to the text. The other one knows look-around and
        # back-references, and takes 120 ms for a hundred letters.
        pattern_options=jsonschema_rs.RegexOptions(),
        validate_formats=True,
        ignore_unknown_formats=False,
        retriever=_refuse_retrieval,
    )


def _why_not_compiled(error: Exception) -> str:
    """What is wrong that `schema_faults.py` leaves: embedded `$id`s, keywords of other drafts."""
    if isinstance(error, jsonschema_rs.ValidationError) and error.kind.name != "$ref":
        place = "".join(f"/{step}" for step in error.instance_path)
        return f"{place} is not what draft 2020-12 asks for; leave it out"
    return (
        'beside an "$id" a reference leads nowhere, or the "$id" is none; leave every "$id" out '
        "and refer to definitions by JSON Pointers, like #/$defs/a"
    )


def _refuse_retrieval(uri: str) -> Any:
    raise ValueError(f"{uri} is outside this file, and nothing is fetched")
