"""How a fleet is: each gate, and what somebody should look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import namedtuple_row

from .connecting import Connection, connect
from .error import StoreError, tell
from .queries import RUNNING

# So often a shipper says that it lives.
HELLO_SECONDS = 10.0
# A shipper that was not heard of, and lines that were not sent, for so long are findings.
PATIENCE = timedelta(seconds=60)

_GATES = """
SELECT g.gate, g.seen, g.software, g.behind, g.behind_since, clock_timestamp() AS now,
       count(b.boot) AS boots, max(b.received) AS received
  FROM hookgate.gate g LEFT JOIN hookgate.boot b USING (gate)
 GROUP BY g.gate ORDER BY g.gate"""
# In this order: boots that ended without a stop, as another follows them; boots that are followed
# and of which nothing came, unless they were over before the gate was added; what shippers told;
# and lines that came twice. Of each gate and kind the first few: who has a gate's login can send a
# million boots.
_FOUND = """
WITH found (rank, gate, kind, boot, first_n, last_n, at) AS (
  SELECT 1, b.gate, 'no_stop', b.boot, NULL::bigint, b.next_n - 1, b.received FROM hookgate.boot b
   WHERE NOT b.stopped AND b.received >= %(since)s
     AND EXISTS (SELECT FROM hookgate.boot a WHERE a.gate = b.gate AND a.follows = b.boot)
  UNION ALL
  SELECT 2, a.gate, 'missing', a.follows, NULL, NULL, a.received
    FROM hookgate.boot a JOIN hookgate.gate g USING (gate)
   WHERE a.began >= g.added AND a.received >= %(since)s AND a.follows IS NOT NULL
     AND NOT EXISTS (SELECT FROM hookgate.boot b WHERE b.gate = a.gate AND b.boot = a.follows)
  UNION ALL
  SELECT 3, gate, kind, boot, first_n, last_n, told FROM hookgate.finding WHERE told >= %(since)s
  UNION ALL
  SELECT 4, gate, 'fork', boot, min(first_n), max(first_n + lines - 1), min(received)
    FROM hookgate.fork WHERE received >= %(since)s GROUP BY gate, boot
), numbered AS (
  SELECT *, row_number() OVER (PARTITION BY gate, kind ORDER BY at, boot, first_n) AS nth,
         count(*) OVER (PARTITION BY gate, kind) AS many
    FROM found
)
SELECT * FROM numbered WHERE nth <= %(most)s ORDER BY rank, at, nth"""
MOST_OF_A_KIND = 20
_LINES = "lines {0.first_n} to {0.last_n} of boot {0.boot}"
TEXTS = {
    "no_stop": "boot {0.boot} ended after line {0.last_n} without a stop",
    "missing": "nothing was received of boot {0.boot}",
    "lost": f"{_LINES} were gone before they were sent",
    "cut": f"{_LINES} are gone on the gate",
    "fork": f"{_LINES} were received twice, and differ",
}


class Finding(NamedTuple):
    """What somebody should look at. `kind` is one of silent, behind, no_stop, missing, lost, cut
    and fork.
    """

    gate: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class GateStatus:
    """A gate as it was last heard of. `behind` is in bytes. `stopped` says that of each boot the
    last line was received, or one that follows it: what its shipper did not send is not known.
    """

    gate: str
    seen: datetime | None
    received: datetime | None
    software: str
    behind: int
    boots: int
    stopped: bool
    findings: tuple[Finding, ...]


def read_status(dsn: str, since: datetime | None = None) -> list[GateStatus]:
    """Ask a store for its gates, with what was found since a time. Raises `StoreError`."""
    connection = connect(dsn, application_name="hookgate fleet")
    with connection:
        return ask_status(connection, since)


def ask_status(connection: Connection, since: datetime | None = None) -> list[GateStatus]:
    """Do the same by a connection that is there."""
    since = since or datetime.fromtimestamp(0, UTC)
    try:
        with connection.cursor(row_factory=namedtuple_row) as cursor:
            found = list(_findings(cursor, since))
            gates: list[Any] = cursor.execute(_GATES).fetchall()
            running = {row[0] for row in cursor.execute(RUNNING.encode())}
    except psycopg.Error as error:
        raise StoreError(tell(error)) from None
    return [_status(row, found, stopped=row.gate not in running and row.boots > 0) for row in gates]


def _status(row: Any, found: list[Finding], *, stopped: bool) -> GateStatus:
    own = [*find_now(row), *(finding for finding in found if finding.gate == row.gate)]
    return GateStatus(
        row.gate, row.seen, row.received, row.software or "", row.behind or 0, row.boots, stopped,
        tuple(own),
    )  # fmt: skip


def find_now(row: Any, patience: timedelta = PATIENCE) -> Iterator[Finding]:
    """Find whether a gate is silent for so long, or behind, by a row with its columns and `now`."""
    if row.seen is None:
        yield Finding(row.gate, "silent", "its shipper was never heard of")
    elif row.now - row.seen > patience:
        yield Finding(
            row.gate, "silent", f"its shipper was last heard of {_ago(row.now - row.seen)} ago"
        )
    if row.seen is not None and row.behind_since and row.seen - row.behind_since > PATIENCE:
        late = _ago(row.seen - row.behind_since)
        yield Finding(row.gate, "behind", f"{row.behind or 0} bytes were to be sent, for {late}")


def _findings(cursor: "psycopg.Cursor[Any]", since: datetime) -> Iterator[Finding]:
    given = {"since": since, "most": MOST_OF_A_KIND}
    for row in cursor.execute(_FOUND, given).fetchall():
        yield Finding(row.gate, row.kind, TEXTS[row.kind].format(row))
        if row.nth == MOST_OF_A_KIND and row.many > row.nth:
            yield Finding(row.gate, row.kind, f"and {row.many - row.nth} more")


def _ago(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
