"""One line's record, and its time."""

import json
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from hookgate.ledger.record import Record

# The year 9999, from where on dates of some zone cannot be printed.
_END = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


def parse(raw: bytes) -> Record | None:
    """Parse one line into a record, None where it is none."""
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError:
        record = _loads_surrogates(raw)
    return record if type(record) is dict and type(record.get("event")) is str else None


def _loads_surrogates(raw: bytes) -> object:
    # orjson refuses the lone surrogates that a sender's text may hold, as escapes.
    try:
        return json.loads(raw, parse_constant=_refuse) if b"\\u" in raw else None
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> object:
    raise ValueError(constant)  # NaN and Infinity are no JSON


def timestamp(record: Record) -> float:
    """Return a record's `ts` in seconds since 1970, 0.0 where none can be read."""
    ts = record.get("ts")
    if type(ts) is not str:
        return 0.0
    if len(ts) == 27 and ts[26] == "Z":
        part = ts[20:26]
        return _second(ts[:19]) + int(part) / 1e6 if part.isdecimal() and part.isascii() else 0.0
    return _second(ts)


@lru_cache(maxsize=1024)
def _second(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return seconds if 0 < seconds < _END else 0.0
