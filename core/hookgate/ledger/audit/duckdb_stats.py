"""Large ledgers, summed up by DuckDB on all cores and within a bound of memory.

Gives what `stats.summarise` gives, but that blank lines are no lines. What is no record to
`members` is none here. DuckDB is imported where it is used: a small ledger is read before that
import would end.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from hookgate.ledger.members import fault_among
from hookgate.ledger.reading.decoding import is_compressed_name
from hookgate.ledger.reading.reader import LONGEST_LINE, parse, read_file, timestamp
from hookgate.ledger.reading.source import probe, without_end
from hookgate.ledger.record import Record

from . import duckdb_sql as sql
from .duckdb_run import DuckDBError, open_database, run
from .query import Query
from .stats import MOST_SLOW, Summary, name_of, summed

__all__ = ["DuckDBError", "is_worthwhile", "summarise"]

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# A compressed ledger is about a tenth of its size.
_PACKED = 10
_LARGE = 16 << 20
# Of a file's lines one in so many shows what time they are of, to within so many seconds.
_LOOKED_AT = 1024
_SPAN = 3600


class _MisfitError(Exception):
    """A group has a member that no gate wrote."""


def is_worthwhile(files: Sequence[Path]) -> bool:
    """Tell whether the files are large enough for DuckDB, and it is there and takes their names."""
    sizes = {file: _PACKED if is_compressed_name(file.name) else 1 for file in files}
    size = sum(file.stat().st_size * times for file, times in sizes.items())
    return is_for(size) and not any(set("*?[") & set(str(file)) for file in files)


def is_for(size: int) -> bool:
    """Tell whether so many bytes of lines are enough for DuckDB, and it is there."""
    return size >= _LARGE and find_spec("duckdb") is not None


def summarise(
    files: Sequence[Path],
    since: float | None = None,
    until: float | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
    heads: Mapping[Path, bytes] | None = None,
) -> Summary:
    """Sum up the files, as far as their records are of that time (seconds since 1970).

    `on_progress` is told the bytes read since. `heads` are the first records of several files.
    Raises `DuckDBError`, also where one of these is in another file too.
    """
    heads = heads if heads is not None and len(heads) > 1 else {}
    first_records = [parse(raw) or {} for raw in heads.values()]
    is_head = sql.is_head(first_records)
    lines = sql.read_lines(files)
    when = " AND ".join(
        f"us {sign} {round(moment * 1e6)}"
        for sign, moment in ((">=", since), ("<", until))
        if moment is not None
    )
    time = Query(since, until) if when else None
    unwanted_head = f"{is_head} AND ({when}) IS NOT TRUE" if when else "FALSE"
    if when:
        # What is no record has no time.
        when = f"({when}) OR event IS NULL OR is_head"
    with open_database() as database:
        # Of another time no line is grouped, and what is no record counts nonetheless.
        for wrong in (sql.ANY_WRONG,) if when else (sql.UNGROUPED_WRONG, sql.ANY_WRONG):
            slow = sql.SLOW_FROM.format(lines=lines, wrong=wrong)
            [(slow_from,)] = database.execute(slow).fetchall()
            query = sql.SUMS.format(
                lines=lines,
                wrong=wrong,
                alike=", ".join(sql.ALIKE),
                when=when or "TRUE",
                slow_from=slow_from,
                is_head=is_head,
                unwanted_head=unwanted_head,
                head=sql.HEAD,
                replay=sql.REPLAY_FRONT,
            )
            run(database, query, on_progress)
            _check_heads(database, heads, first_records)
            with suppress(_MisfitError):
                return _summary(files, database, time)
    raise DuckDBError("what is no record differs from one reading to the next")


def _check_heads(
    database: "DuckDBPyConnection", heads: Mapping[Path, bytes], records: Iterable[Record]
) -> None:
    found = database.execute(
        "SELECT DISTINCT slow.head_file, slow.head_ts, slow.request_id->>'$' FROM sums"  # noqa: S608  # ours
        f" WHERE kind = {sql.SLOW} AND slow.head_ts IS NOT NULL"
    ).fetchall()
    for (file, raw), record in zip(heads.items(), records, strict=True):
        name = record.get("ts"), record.get("request_id")
        for other in (other for other, *its in found if (*its,) == name and other != str(file)):
            # Boots may begin at the same moment, and what says so has no name.
            if _holds(Path(other), raw, timestamp(record)):
                raise DuckDBError(f"{other} holds lines of {file}")


def _holds(file: Path, raw: bytes, moment: float) -> bool:
    """Whether a line of that moment is in a file: not beyond lines of an hour later."""
    with probe(file).open() as stream:
        for number, line in stream.lines():
            if without_end(line) == raw:
                return True
            if number % _LOOKED_AT == 0 and timestamp(parse(line) or {}) > moment + _SPAN:
                break
    return False


def _summary(files: Sequence[Path], database: "DuckDBPyConnection", time: Query | None) -> Summary:
    def rows(kind: int, columns: str, more: str = "") -> list[Any]:
        query = f"SELECT {columns} FROM sums WHERE kind = {kind} {more}"  # noqa: S608  # both ours
        return database.execute(query).fetchall()

    summary = Summary([str(file) for file in files])
    unread: dict[str, int] = {}
    for name, lines, ended, first, last, *values in rows(
        sql.ALIKES, f"filename, lines, ended, first, last, {', '.join(sql.ALIKE)}"
    ):
        record = dict(zip(sql.ALIKE, map(_value, values), strict=True))
        if record["event"] == sql.UNWANTED:
            continue
        if type(record["event"]) is not str:
            unread[name] = unread.get(name, 0) + lines
        elif fault_among(record, sql.ALIKE):
            raise _MisfitError
        else:
            summary.add_alike({**record, "count": ended}, lines, _moment(first), _moment(last))
    for file in files:
        _add_unread(summary, file, unread.get(str(file), 0), time)
    for minute, outcome, ended in rows(
        sql.MINUTES, "minute, outcome, ended", "AND minute IS NOT NULL"
    ):
        summary.timeline.add(minute, name_of(_value(outcome)) or "?", ended)
    for client, lines in rows(
        sql.CLIENTS, "client, lines", "AND client IS NOT NULL ORDER BY lines DESC, client"
    ):
        summary.clients.add(name_of(_value(client)), lines)
    for latency, kind, bucket in (
        (summary.duration, sql.DURATIONS, "duration"),
        (summary.upstream, sql.UPSTREAMS, "upstream"),
    ):
        for row in rows(kind, f"{bucket}, lines, {bucket}_max", f"AND {bucket} IS NOT NULL"):
            latency.add_bucket(*row)
    for lines, ms, request_id, reference in rows(
        sql.SLOW,
        "lines, slow.duration_ms, slow.request_id->>'$' AS id, slow.reference->>'$' AS name",
        "AND slow.duration_ms IS NOT NULL ORDER BY slow.duration_ms DESC, coalesce(id, 'None'),"
        f" coalesce(name, 'None') LIMIT {MOST_SLOW}",
    ):
        for _ in range(min(lines, MOST_SLOW)):
            summary.add_slow(ms, name_of(request_id), name_of(reference))
    return summary


def _add_unread(summary: Summary, file: Path, count: int, time: Query | None) -> None:
    """Read again as many lines as DuckDB could not: what is no record, and lone surrogates.

    DuckDB passes over some torn ends without a word: such a file is read to its end. Raises
    `DuckDBError` where the lines are not as many.
    """
    to_its_end = _is_torn(file)
    if not count and not to_its_end:
        return
    for line in map(summed, read_file(file)):
        if line.record is None or not _reads(line.raw):
            if line.record is None or time is None or time.matches(line.record):
                summary.add(line)
            count -= 1
            if not count and not to_its_end:
                return
    if count > 0:
        raise DuckDBError(f"{file} holds lines that it reads differently")


def _is_torn(file: Path) -> bool:
    """Whether a plain file ends in something that is no line of its own."""
    if is_compressed_name(file.name):
        return False
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - LONGEST_LINE))
        tail = stream.read().rpartition(b"\n")[2]
    return bool(tail) and not _reads(tail)


def _reads(raw: bytes) -> bool:
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False
    return True


def _value(text: str | None) -> Any:
    return orjson.loads(text) if text is not None else None


def _moment(us: int | None) -> float | None:
    # The sum that `reader.timestamp` makes, to the last bit.
    return us // 1_000_000 + us % 1_000_000 / 1e6 if us else None
