"""Large ledgers, summed up by DuckDB on all cores and within a bound of memory.

Gives what `stats.summarise` gives, but that blank lines are no lines. What is no record to
`members` is none here. DuckDB is imported where it is used: a small ledger is read before that
import would end.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from hookgate.ledger.members import COUNT, DURATION, FORMS, MOMENT, TEXTS, TIME, Form, fault_among
from hookgate.ledger.reading.reader import LONGEST_LINE, parse, read_file, timestamp
from hookgate.ledger.reading.source import probe, without_end
from hookgate.ledger.record import Record

from .query import Query
from .stats import MOST_SLOW, SUMMED, Summary, name_of, summed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# A compressed ledger is about a tenth of its size.
_GZIP = 10
_LARGE = 16 << 20
_MEMORY = "1GB"
_SAMPLED = 50_000
_POLL = 0.1
# Of a file's lines one in so many shows what time they are of, to within so many seconds.
_LOOKED_AT = 1024
_SPAN = 3600

# Alike in all of these, lines are counted together. What is wrong in them shows in the groups, of
# which there are few.
_ALIKE = (
    "event", "front", "outcome", "reason", "route", "status", "upstream_status", "upstream_error",
    "channel", "event_type", "observed", "unknown_in", "unusual",
)  # fmt: skip

# Every member but `ts` is read as the JSON that it is: DuckDB would make a text of a number, and a
# number of a text. A line that is no record has no event.
# What is read once is grouped in six ways. Only deliveries that take as long as the slowest of a
# sample are kept one by one.
_SUMS = """
CREATE OR REPLACE TEMP TABLE sums AS
WITH lines AS (
  SELECT * REPLACE (if({wrong}, NULL, if({unwanted_head}, '{head}', event)) AS event),
    {is_head} AS is_head
  FROM {lines}
), deliveries AS (
  SELECT * REPLACE (
      if(event = '"delivery"', client, NULL) AS client,
      if(event = '"delivery"', try_cast(duration_ms::VARCHAR AS DOUBLE), NULL) AS duration_ms,
      if(event = '"delivery"', try_cast(upstream_ms::VARCHAR AS DOUBLE), NULL) AS upstream_ms
    ), CASE event WHEN '"delivery"' THEN 1 WHEN '"refusals"' THEN "count"::UBIGINT END AS ended,
    if(ended > 0, us // 60000000, NULL) AS minute
  FROM lines
  WHERE {when}
), buckets AS (
  SELECT *,
    floor(100 * ln(if(duration_ms < 0.001, 0.001, duration_ms)))::INT AS duration,
    floor(100 * ln(if(upstream_ms < 0.001, 0.001, upstream_ms)))::INT AS upstream,
    if(
      is_head OR duration_ms >= {slow_from},
      struct_pack(
        duration_ms, request_id, reference,
        head_ts := if(is_head, ts, NULL), head_file := if(is_head, filename, NULL)
      ),
      NULL
    ) AS slow
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
# The first record of a file that is not of the time that is asked for: looked at, and not counted.
_UNWANTED = "first record"
_HEAD = f'"{_UNWANTED}"'
_ALIKES, _MINUTES, _CLIENTS, _DURATIONS, _UPSTREAMS, _SLOW = 31, 47, 55, 59, 61, 62

# At least the tenth slowest of a sample, so that no more than a few are kept one by one.
_SLOW_FROM = f"""
SELECT if(count(*) < {MOST_SLOW}, 0, min(ms)) FROM (
  SELECT try_cast(duration_ms::VARCHAR AS DOUBLE) AS ms
  FROM (SELECT * FROM {{lines}} LIMIT {_SAMPLED})
  WHERE event = '"delivery"' AND ms >= 0 AND ({{wrong}}) IS NOT TRUE
  ORDER BY ms DESC LIMIT {MOST_SLOW}
)
"""  # noqa: S608  # numbers of ours


def _is_wrong(name: str, form: Form) -> str:
    """What `members` finds fault with, as a condition on a member's JSON; NULL is no fault.

    JSON's types differ in their first character: a text's comes before all others. What takes long
    stands in a CASE, which comes to it where it has to.
    """
    text = f'"{name}"::VARCHAR'
    if form is COUNT:
        is_long = f"CASE WHEN strlen({text}) > 19 THEN try_cast({text} AS UBIGINT) IS NULL END"
        return f"rtrim({text}, '0123456789') <> '' OR {is_long}"
    if form is DURATION:
        return f"{text} NOT BETWEEN '0' AND ':' OR try_cast({text} AS DOUBLE) >= {2**64}"
    if form is TEXTS:
        item = r'"([^"\\]|\\.)*"'
        is_list = f"regexp_full_match({text}, '\\[{item}(,{item})*\\]')"
        return f"CASE WHEN {text} = '[]' THEN FALSE ELSE NOT {is_list} END"
    if form is MOMENT:
        # As gates write it: quicker told than by the expression.
        is_usual = (
            "ts LIKE '20__-__-__T__:__:__.______Z' AND us IS NOT NULL AND NOT contains(ts, ' ')"
        )
        is_time = f"us IS NOT NULL AND regexp_full_match(ts, '{TIME}')"
        return f"CASE WHEN {is_usual} THEN FALSE ELSE ts IS NOT NULL AND NOT ({is_time}) END"
    return f"{text} >= '#'"


def _any_is_wrong(names: Iterable[str]) -> str:
    return " OR ".join(f"({_is_wrong(name, FORMS[name])})" for name in names)


_ANY_WRONG = _any_is_wrong(SUMMED)
# Where no group has a misfit, nothing else has to be looked at line by line.
_UNGROUPED_WRONG = _any_is_wrong(name for name in SUMMED if name not in _ALIKE[1:])


class EngineError(Exception):
    """DuckDB could not read the files; plain Python may."""


class _MisfitError(Exception):
    """A group has a member that no gate wrote."""


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
    heads: Mapping[Path, bytes] | None = None,
) -> Summary:
    """Sum up the files, as far as their records are of that time (seconds since 1970).

    `on_progress` is told the bytes read since. `heads` are the first records of several files.
    Raises `EngineError`, also where one of these is in another file too.
    """
    heads = heads if heads is not None and len(heads) > 1 else {}
    first_records = [parse(raw) or {} for raw in heads.values()]
    is_head = _is_head(first_records)
    lines = _reading(files)
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
    with _database() as database:
        # Of another time no line is grouped, and what is no record counts nonetheless.
        for wrong in (_ANY_WRONG,) if when else (_UNGROUPED_WRONG, _ANY_WRONG):
            slow = _SLOW_FROM.format(lines=lines, wrong=wrong)
            [(slow_from,)] = database.execute(slow).fetchall()
            query = _SUMS.format(
                lines=lines,
                wrong=wrong,
                alike=", ".join(_ALIKE),
                when=when or "TRUE",
                slow_from=slow_from,
                is_head=is_head,
                unwanted_head=unwanted_head,
                head=_HEAD,
            )
            _run(database, query, on_progress)
            _check_heads(database, heads, first_records)
            with suppress(_MisfitError):
                return _summary(files, database, time)
    raise EngineError("what is no record differs from one reading to the next")


def _is_head(heads: Iterable[Record]) -> str:
    """Whether a line is of the time of a file's first record, as a condition."""
    times = {str(head["ts"]).replace("'", "''") for head in heads if head.get("ts")}
    if not times:
        return "FALSE"
    return "coalesce(ts IN (" + ", ".join(f"'{ts}'" for ts in sorted(times)) + "), FALSE)"


def _check_heads(
    database: "DuckDBPyConnection", heads: Mapping[Path, bytes], records: Iterable[Record]
) -> None:
    found = database.execute(
        "SELECT DISTINCT slow.head_file, slow.head_ts, slow.request_id->>'$' FROM sums"  # noqa: S608  # ours
        f" WHERE kind = {_SLOW} AND slow.head_ts IS NOT NULL"
    ).fetchall()
    for (file, raw), record in zip(heads.items(), records, strict=True):
        name = record.get("ts"), record.get("request_id")
        for other in (other for other, *its in found if (*its,) == name and other != str(file)):
            # Boots may begin at the same moment, and what says so has no name.
            if _holds(Path(other), raw, timestamp(record)):
                raise EngineError(f"{other} holds lines of {file}")


def _holds(file: Path, raw: bytes, moment: float) -> bool:
    """Whether a line of that moment is in a file: not beyond lines of an hour later."""
    with probe(file).open() as stream:
        for number, line in stream.lines():
            if without_end(line) == raw:
                return True
            if number % _LOOKED_AT == 0 and timestamp(parse(line) or {}) > moment + _SPAN:
                break
    return False


def _reading(files: Sequence[Path]) -> str:
    names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    # Whatever reads as a time is a text.
    kinds = {name: "VARCHAR" if name == "ts" else "JSON" for name in SUMMED}
    columns = ", ".join(f"\"{name}\": '{kind}'" for name, kind in kinds.items())
    lines = (
        f"read_json([{names}], columns = {{{columns}}}, format = 'newline_delimited',"
        " ignore_errors = true, filename = true)"
    )
    moment = "epoch_us(try_cast(ts AS TIMESTAMPTZ))"
    return f"(SELECT *, {moment} AS us FROM {lines})"  # noqa: S608  # names are quoted


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
        record = dict(zip(_ALIKE, map(_value, values), strict=True))
        if record["event"] == _UNWANTED:
            continue
        if type(record["event"]) is not str:
            unread[name] = unread.get(name, 0) + lines
        elif fault_among(record, _ALIKE):
            raise _MisfitError
        else:
            summary.add_alike({**record, "count": ended}, lines, _moment(first), _moment(last))
    for file in files:
        _add_unread(summary, file, unread.get(str(file), 0), time)
    for minute, outcome, ended in rows(
        _MINUTES, "minute, outcome, ended", "AND minute IS NOT NULL"
    ):
        summary.timeline.add(minute, name_of(_value(outcome)) or "?", ended)
    for client, lines in rows(
        _CLIENTS, "client, lines", "AND client IS NOT NULL ORDER BY lines DESC, client"
    ):
        summary.clients.add(name_of(_value(client)), lines)
    for latency, kind, bucket in (
        (summary.duration, _DURATIONS, "duration"),
        (summary.upstream, _UPSTREAMS, "upstream"),
    ):
        for row in rows(kind, f"{bucket}, lines, {bucket}_max", f"AND {bucket} IS NOT NULL"):
            latency.add_bucket(*row)
    for lines, ms, request_id, reference in rows(
        _SLOW,
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
    `EngineError` where the lines are not as many.
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
        raise EngineError(f"{file} holds lines that it reads differently")


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


def _value(text: str | None) -> Any:
    return orjson.loads(text) if text is not None else None


def _moment(us: int | None) -> float | None:
    # The sum that `reader.timestamp` makes, to the last bit.
    return us // 1_000_000 + us % 1_000_000 / 1e6 if us else None
