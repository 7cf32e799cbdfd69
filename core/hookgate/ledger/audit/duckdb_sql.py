"""What DuckDB is asked of ledger files, and how it tells lines that no gate wrote.

Texts of SQL, and nothing that runs it. A condition on a member's JSON says what `members` says of
its value.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from hookgate.ledger.members import COUNT, DURATION, FLAG, FORMS, MOMENT, TEXTS, TIME, Form
from hookgate.ledger.record import Record

from .stats import MOST_SLOW, REPLAY, SUMMED

_SAMPLED = 50_000

# Alike in all of these, lines are counted together. What is wrong in them shows in the groups, of
# which there are few.
ALIKE = (
    "event", "front", "outcome", "reason", "route", "status", "upstream_status", "upstream_error",
    "channel", "event_type", "observed", "unknown_in", "unusual", "kept", "not_kept", "custody",
    "near", "cause",
)  # fmt: skip

# Every member but `ts` is read as the JSON that it is: DuckDB would make a text of a number, and a
# number of a text. A line that is no record has no event.
# What is read once is grouped in six ways. Only deliveries that take as long as the slowest of a
# sample are kept one by one. Of what is kept it matters that it is, and replays are no requests.
SUMS = """
CREATE OR REPLACE TEMP TABLE sums AS
WITH lines AS (
  SELECT * REPLACE (if({wrong}, NULL, if({unwanted_head}, '{head}', event)) AS event),
    {is_head} AS is_head
  FROM {lines}
), deliveries AS (
  SELECT * REPLACE (
      if(is_delivery, client, NULL) AS client,
      if(is_delivery, try_cast(duration_ms::VARCHAR AS DOUBLE), NULL) AS duration_ms,
      if(is_delivery, try_cast(upstream_ms::VARCHAR AS DOUBLE), NULL) AS upstream_ms,
      if(kept::VARCHAR < '#', '""'::JSON, kept) AS kept
    ), CASE event WHEN '"delivery"' THEN 1 WHEN '"refusals"' THEN "count"::UBIGINT END AS ended,
    if(ended > 0 AND NOT is_replay, us // 60000000, NULL) AS minute
  FROM (
    SELECT *, coalesce(front = '{replay}', FALSE) AS is_replay,
      coalesce(event = '"delivery"', FALSE) AND NOT is_replay AS is_delivery
    FROM lines
  )
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
UNWANTED = "first record"
HEAD = f'"{UNWANTED}"'
REPLAY_FRONT = f'"{REPLAY}"'
ALIKES, MINUTES, CLIENTS, DURATIONS, UPSTREAMS, SLOW = 31, 47, 55, 59, 61, 62

# At least the tenth slowest of a sample, so that no more than a few are kept one by one.
SLOW_FROM = f"""
SELECT if(count(*) < {MOST_SLOW}, 0, min(ms)) FROM (
  SELECT try_cast(duration_ms::VARCHAR AS DOUBLE) AS ms
  FROM (SELECT * FROM {{lines}} LIMIT {_SAMPLED})
  WHERE event = '"delivery"' AND front IS DISTINCT FROM '{REPLAY_FRONT}' AND ms >= 0
    AND ({{wrong}}) IS NOT TRUE
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
    if form is FLAG:
        return f"{text} NOT IN ('true', 'false')"
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


ANY_WRONG = _any_is_wrong(SUMMED)
# Where no group has a misfit, nothing else has to be looked at line by line.
UNGROUPED_WRONG = _any_is_wrong(name for name in SUMMED if name not in ALIKE[1:])


def is_head(heads: Iterable[Record]) -> str:
    """Make the condition that a line is of the time of a file's first record."""
    times = {str(head["ts"]).replace("'", "''") for head in heads if head.get("ts")}
    if not times:
        return "FALSE"
    return "coalesce(ts IN (" + ", ".join(f"'{ts}'" for ts in sorted(times)) + "), FALSE)"


def read_lines(files: Sequence[Path]) -> str:
    """Make the table of the files' lines: what is summed of each, and its time `us`."""
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
