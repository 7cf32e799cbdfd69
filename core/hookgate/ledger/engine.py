"""Large ledgers, summed up by DuckDB on all cores and within a bound of memory.

Gives what `stats.summarise` gives, but that blank lines are no lines. DuckDB is imported where it
is used: a small ledger is read before that import would end.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from .query import Query
from .reader import LONGEST_LINE, read_file
from .stats import MOST_SLOW, Summary, name_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# A compressed ledger is about a tenth of its size.
_GZIP = 10
_LARGE = 16 << 20
_MEMORY = "1GB"
_SAMPLED = 50_000
_POLL = 0.1

_COLUMNS = {
    "event": "JSON", "ts": "VARCHAR", "front": "VARCHAR", "outcome": "VARCHAR",
    "reason": "VARCHAR", "channel": "VARCHAR", "event_type": "VARCHAR", "route": "VARCHAR",
    "client": "VARCHAR", "upstream_status": "INTEGER", "duration_ms": "DOUBLE",
    "upstream_ms": "DOUBLE", "request_id": "VARCHAR", "reference": "VARCHAR",
    "observed": "JSON", "unknown_in": "JSON", "unusual": "JSON", "count": "BIGINT",
}  # fmt: skip
_LISTS = ("observed", "unknown_in", "unusual")
# Alike in all of these, lines are counted together.
_ALIKE = (
    "event", "front", "outcome", "reason", "route", "upstream_status", "channel", "event_type",
    "observed", "unknown_in", "unusual",
)  # fmt: skip


# What is read once is grouped in six ways. Only deliveries that take as long as the slowest of a
# sample are kept one by one.
_SUMS = """
CREATE TEMP TABLE sums AS
WITH lines AS (
  SELECT *, event = '"delivery"' AS is_delivery, epoch_us(try_cast(ts AS TIMESTAMPTZ)) AS us,
    CASE event WHEN '"delivery"' THEN 1 WHEN '"refusals"' THEN greatest("count", 0) END AS ended
  FROM {lines}
), deliveries AS (
  SELECT * REPLACE (
      if(is_delivery, client, NULL) AS client,
      if(is_delivery AND duration_ms BETWEEN 0 AND 1e300, duration_ms, NULL) AS duration_ms,
      if(is_delivery AND upstream_ms BETWEEN 0 AND 1e300, upstream_ms, NULL) AS upstream_ms
    ), if(ended > 0, us // 60000000, NULL) AS minute
  FROM lines
  WHERE {when}
), buckets AS (
  SELECT *,
    floor(100 * ln(if(duration_ms < 0.001, 0.001, duration_ms)))::INT AS duration,
    floor(100 * ln(if(upstream_ms < 0.001, 0.001, upstream_ms)))::INT AS upstream,
    if(duration_ms >= {slow_from}, struct_pack(duration_ms, request_id, reference), NULL) AS slow
  FROM deliveries
)
SELECT
  grouping_id(filename, minute, client, duration, upstream, slow) AS kind,
  filename, {alike}, minute, client, duration, upstream, slow,
  count(*) AS lines, sum(ended)::BIGINT AS ended, min(us) AS first, max(us) AS last,
  max(duration_ms) AS duration_max, max(upstream_ms) AS upstream_max
FROM buckets
GROUP BY GROUPING SETS (
  (filename, {alike}), (minute, outcome), (client), (duration), (upstream), (slow)
)
"""
_ALIKES, _MINUTES, _CLIENTS, _DURATIONS, _UPSTREAMS, _SLOW = 31, 47, 55, 59, 61, 62

# At least the tenth slowest of a sample, so that no more than a few are kept one by one.
_SLOW_FROM = f"""
SELECT if(count(*) < {MOST_SLOW}, 0, min(duration_ms)) FROM (
  SELECT duration_ms FROM (SELECT * FROM {{lines}} LIMIT {_SAMPLED})
  WHERE event = '"delivery"' AND duration_ms BETWEEN 0 AND 1e300
  ORDER BY duration_ms DESC LIMIT {MOST_SLOW}
)
"""  # noqa: S608  # numbers of ours


class EngineError(Exception):
    """DuckDB could not read the files; plain Python may."""


def serves(files: Sequence[Path]) -> bool:
    """Whether the files are large enough for DuckDB, and it is there and takes their names."""
    size = sum(file.stat().st_size * (_GZIP if file.suffix == ".gz" else 1) for file in files)
    return (
        size >= _LARGE
        and find_spec("duckdb") is not None
        and not any(set("*?[") & set(str(file)) for file in files)
    )


def summarise(
    files: Sequence[Path],
    since: float | None = None,
    until: float | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Sum up the files, as far as their records are of that time (seconds since 1970).

    `on_progress` is told the bytes read since. Raises `EngineError`.
    """
    lines = _reading(files)
    when = " AND ".join(
        f"us {sign} {round(moment * 1e6)}"
        for sign, moment in ((">=", since), ("<", until))
        if moment is not None
    )
    time = Query(since, until) if when else None
    if when:
        when = f"({when}) OR event IS NULL"  # what DuckDB could not read has no time here
    with _database() as database:
        [(slow_from,)] = database.execute(_SLOW_FROM.format(lines=lines)).fetchall()
        query = _SUMS.format(
            lines=lines, alike=", ".join(_ALIKE), when=when or "TRUE", slow_from=slow_from
        )
        _run(database, query, on_progress)
        return _summary(files, database, time)


def _reading(files: Sequence[Path]) -> str:
    names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    columns = ", ".join(f"\"{name}\": '{kind}'" for name, kind in _COLUMNS.items())
    return (
        f"read_json([{names}], columns = {{{columns}}}, format = 'newline_delimited',"
        " ignore_errors = true, filename = true)"
    )


@contextmanager
def _database() -> Iterator["DuckDBPyConnection"]:
    import duckdb  # noqa: PLC0415  # 60 ms that a small ledger need not wait for

    with tempfile.TemporaryDirectory(prefix="hookgate-") as folder:
        database = duckdb.connect(
            config={
                "memory_limit": _MEMORY,
                "temp_directory": folder,
                "preserve_insertion_order": "false",
                "autoinstall_known_extensions": "false",
            }
        )
        try:
            yield database
        except duckdb.Error as error:
            raise EngineError(str(error)) from error
        finally:
            database.close()


def _run(database: "DuckDBPyConnection", query: str, on_progress: Callable[[int], None]) -> None:
    read = _bytes_read()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(database.execute, query)
        try:
            while not running.done():
                wait((running,), _POLL)
                on_progress(_bytes_read() - read)
                read = _bytes_read()
        except BaseException:
            database.interrupt()
            raise
        running.result()


def _bytes_read() -> int:
    # By this whole process. DuckDB's own progress stands still while it groups.
    try:
        return int(Path("/proc/self/io").read_bytes().split()[1])
    except OSError:
        return 0


def _summary(files: Sequence[Path], database: "DuckDBPyConnection", time: Query | None) -> Summary:
    def rows(kind: int, columns: str, more: str = "") -> list[Any]:
        query = f"SELECT {columns} FROM sums WHERE kind = {kind} {more}"  # noqa: S608  # both ours
        return database.execute(query).fetchall()

    summary = Summary([str(file) for file in files])
    unread: dict[str, int] = {}
    for name, lines, ended, first, last, *values in rows(
        _ALIKES, f"filename, lines, ended, first, last, {', '.join(_ALIKE)}"
    ):
        event = orjson.loads(values[0]) if values[0] else None
        if type(event) is not str:
            unread[name] = unread.get(name, 0) + lines
            continue
        record = dict(zip(_ALIKE, values, strict=True))
        lists = {name: orjson.loads(record[name] or "null") for name in _LISTS}
        record |= {"event": event, "count": ended, **lists}
        summary.add_alike(record, lines, _moment(first), _moment(last))
    for file in files:
        _add_unread(summary, file, unread.get(str(file), 0), time)
    for minute, outcome, ended in rows(
        _MINUTES, "minute, outcome, ended", "AND minute IS NOT NULL"
    ):
        summary.timeline.add(minute, outcome or "?", ended)
    for client, lines in rows(
        _CLIENTS, "client, lines", "AND client IS NOT NULL ORDER BY lines DESC, client"
    ):
        summary.clients.add(client, lines)
    for latency, kind, bucket in (
        (summary.duration, _DURATIONS, "duration"),
        (summary.upstream, _UPSTREAMS, "upstream"),
    ):
        for row in rows(kind, f"{bucket}, lines, {bucket}_max", f"AND {bucket} IS NOT NULL"):
            latency.add_bucket(*row)
    for lines, ms, request_id, reference in rows(
        _SLOW,
        "lines, slow.duration_ms, slow.request_id, slow.reference",
        "AND slow IS NOT NULL ORDER BY slow.duration_ms DESC, coalesce(slow.request_id, 'None'),"
        f" coalesce(slow.reference, 'None') LIMIT {MOST_SLOW}",
    ):
        for _ in range(min(lines, MOST_SLOW)):
            summary.add_slow(ms, name_of(request_id), name_of(reference))
    return summary


def _add_unread(summary: Summary, file: Path, count: int, time: Query | None) -> None:
    """Read again as many lines as DuckDB could not: damaged ones, and lone surrogates.

    DuckDB passes over some torn ends without a word: such a file is read to its end, and so is one
    of which only a `time` is asked for, when damage does not count.
    """
    to_its_end = time is not None or _is_torn(file)
    if not count and (time is not None or not to_its_end):
        return
    for line in read_file(file):
        if line.record is None or not _reads(line.raw):
            if time is None or (line.record is not None and time.matches(line.record)):
                summary.add(line)
            count -= 1
            if not count and not to_its_end:
                return


def _is_torn(file: Path) -> bool:
    """Whether a plain file ends in something that is no line of its own."""
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - LONGEST_LINE))
        tail = stream.read().rpartition(b"\n")[2]
    return file.suffix != ".gz" and bool(tail) and not _reads(tail)


def _reads(raw: bytes) -> bool:
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False
    return True


def _moment(us: int | None) -> float | None:
    # The sum that `reader.timestamp` makes, to the last bit.
    return us // 1_000_000 + us % 1_000_000 / 1e6 if us else None
