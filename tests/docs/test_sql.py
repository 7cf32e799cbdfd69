"""The SQL of docs/audit.md is run, and says what hookgate says; its YAML is YAML."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.losses import lost
from hookgate.ledger.audit.search import find
from hookgate.ledger.audit.stats import Summary, summarise
from hookgate.ledger.reading.reader import read, timestamp
from support.attempts import A, B, attempts
from support.calling import caller
from support.examples import many
from support.lines import Record, delivery, forward, write
from support.report import write_ledger

PAGE = (Path(__file__).parents[2] / "docs/audit.md").read_text()
VIEW, *QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with a torn line at its end, and one of nginx beside it."""
    folder = tmp_path_factory.mktemp("sql")
    write_ledger(folder / "hookgate-audit.jsonl")
    with (folder / "hookgate-audit.jsonl").open("a") as file:
        file.write('{"event":"delivery","ts":"2026')
    (folder / "hookgate-audit.1.jsonl").write_text(
        '{"event":"delivery","ts":"2026-11-16T00:00:00+00:00","front":"nginx","outcome":"refused",'
        '"reason":"body_too_large","status":413,"client":"203.0.113.9","duration_ms":1,'
        '"upstream_status":null}\n'
    )
    return folder


@pytest.fixture
def database(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with the view, in the ledgers' folder."""
    monkeypatch.chdir(folder)
    with duckdb.connect() as connection:
        connection.execute(VIEW)
        yield connection


@pytest.fixture
def summary(folder: Path) -> Summary:
    """The same ledgers, as hookgate sums them up."""
    return summarise(read(sorted(folder.iterdir())))


def ask(database: duckdb.DuckDBPyConnection, *words: str) -> Rows:
    """The answer of the one query that has these words."""
    (query,) = (query for query in QUERIES if all(word in query for word in words))
    return database.execute(query).fetchall()


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_runs(database: duckdb.DuckDBPyConnection, query: str) -> None:
    """As it stands on the page."""
    database.execute(query).fetchall()


def test_reasons_and_hours(database: duckdb.DuckDBPyConnection, summary: Summary) -> None:
    """Counts by outcome and reason; the hours add up to the same."""
    reasons = {row[:2]: row[2] for row in ask(database, "SELECT outcome, reason")}
    assert reasons == summary.reasons.counts
    assert sum(row[2] for row in ask(database, "date_trunc")) == summary.deliveries


def test_percentiles(database: duckdb.DuckDBPyConnection, summary: Summary) -> None:
    """Within the 1 % that hookgate promises."""
    ((in_all, endpoint),) = ask(database, "quantile_disc")
    for found, measured in ((in_all, summary.duration), (endpoint, summary.upstream)):
        expected = [measured.percentile(percent) for percent in (50, 90, 99, 99.9)]
        assert found == pytest.approx(expected, rel=0.01)


def test_what_is_lost(database: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The same events."""
    expected = [event.sha256 for event in lost(lambda: read(sorted(folder.iterdir())))]
    assert [row[0] for row in ask(database, "most_tries")] == expected != []


RULES: dict[str, Record] = {
    "tries": {"retry": "3 tries"},
    "both": {"retry": "3 tries, 6s"},
    "span": {"retry": "1m"},
    "old": {"route": "cm-events"},
    "own": {"route": "own.json"},
    "none": {},
}
# One request each: its body, how it ended ("killed" and "bare": after its forward), whether it told
# its names, and which rule.
REQUESTS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["clean", "upstream_rejected", "upstream_timeout", "killed", "bare",
                         "contract_violation", "duplicate_key", "body_timeout"]),
        st.booleans(),
        st.sampled_from([*RULES]),
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


# What the lines of a request tell of a quarantine, and of which of two stored files.
KEEPING = ["", "", "", "kept", "custody", "replay", "replayed", "delivered", "expired", "purged"]
KEPT = st.lists(st.tuples(st.sampled_from(KEEPING), st.booleans()), min_size=12, max_size=12)


def with_keeping(lines: Iterator[Record], keeping: list[tuple[str, bool]]) -> Iterator[Record]:
    """The lines, and those that say that what was kept is kept no more."""
    for line in lines:
        what, is_first = keeping[line["seq"] - 1] if "seq" in line else ("", True)
        file = f"{line.get('sha256')}{is_first:d}"
        if line.get("reason") in ("contract_violation", "duplicate_key") and what in (
            "kept",
            "custody",
        ):
            line |= {"kept": file, "custody": True} if what == "custody" else {"kept": file}
        elif what == "replay":
            line |= {"replay_of": "b0-1", "actor": "ada", "why": "mended"}
        yield line
        if what in KEEPING[-4:] and line.get("sha256"):
            yield {"event": "released", "ts": line["ts"], "boot": "b0", "front": "replay",
                   "cause": what, "kept": file, "sha256": line["sha256"]}  # fmt: skip


def lines_of(requests: list[tuple[str, str, bool, str]]) -> Iterator[Record]:
    """Two bodies have the reference, two the `event.reference`, and two one of `names`."""
    for seq, (body, end, named, rule) in enumerate(requests, 1):
        reference, own = "r-1" if body in "ab" else None, "own-1" if body in "bc" else None
        ts = {"ts": f"2026-11-22T12:00:{seq:02}.000000Z"}
        if end in ("clean", "killed", "bare") or end.startswith("upstream_"):
            yield forward(seq, reference=reference, sha256=body, **ts)
        if end == "bare":
            yield {"event": "delivery", "boot": "b0", "request_id": f"b0-{seq}", **ts,
                   "outcome": "failed", "reason": "gate_error"}  # fmt: skip
        elif end == "body_timeout":
            yield delivery(seq, end, **ts)
        elif end != "killed":
            told: Record = {"reference": reference, "event_reference": own}
            if body in "ac":
                told["names"] = [f"n-{body}", "n-1"]
            names: Record = told if named else {}
            yield delivery(seq, end, sha256=body, **names, **RULES[rule], **ts)


@given(
    REQUESTS,
    st.sampled_from(["r-1", "own-1", "n-1", "n-a", "a", "c", "b0-1"]),
    st.sampled_from(["2026-11-22 12:00:09", "2026-11-22 12:01:05", "2026-12-22 12:00:00"]),
    KEPT,
)
@settings(
    max_examples=many(25, fewest=10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_events_and_losses_are_the_same(
    tmp_path: Path,
    requests: list[tuple[str, str, bool, str]],
    name: str,
    now: str,
    keeping: list[tuple[str, bool]],
) -> None:
    """Of any ledger: bodies that share names, forwards without an end, faults, unread bodies, what
    is kept, released and replayed.
    """
    made = with_keeping(lines_of(requests), keeping)
    ledger = write(tmp_path / "hookgate-audit.jsonl", *made)
    query = next(query for query in QUERIES if "PARTITION BY sha256" in query)
    with contextlib.chdir(tmp_path), duckdb.connect() as database:
        database.execute(VIEW)
        sums = next(query for query in QUERIES if "most_tries" in query)
        at = sums.replace("now()", f"TIMESTAMP '{now}'")
        in_vain = {row[0] for row in database.execute(at).fetchall()}
        asked = database.execute(query.replace(re.findall("'(.{36})'", query)[0], name)).fetchall()
        kept: dict[str, int] = dict(ask(database, "'held'"))
    sums = balance(read([ledger])).keeping
    assert (sum(kept.values()), kept.get("held", 0)) == (sums.kept, sums.held)
    moment = timestamp({"ts": now})
    assert in_vain == {event.sha256 for event in lost(lambda: read([ledger]), moment)}
    (story,) = find(lambda: read([ledger]), [name]).stories
    assert [(row[0], row[6]) for row in asked] == [
        (event.sha256, attempt.request_id)
        for event in story.events
        for attempt in event.attempts
        if event.sha256 is not None
    ]


def test_two_bodies_of_a_name_are_two_events(tmp_path: Path) -> None:
    """The delivery of one is not the other's."""
    in_vain = attempts(*["upstream_rejected"] * 3, boot="b1", **B)
    write(tmp_path / "hookgate-audit.jsonl", *attempts("clean", **A), *in_vain)
    with contextlib.chdir(tmp_path), duckdb.connect() as database:
        database.execute(VIEW)
        assert [row[:2] for row in ask(database, "most_tries")] == [(B["sha256"], B["reference"])]


def test_balance_and_forwards(database: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Nothing is open, as the ledger balances."""
    (boot,) = balance(read(sorted(folder.iterdir()))).boots
    assert ask(database, "AS open") == [(boot.boot, boot.received, boot.received, 0)]
    assert ask(database, "ANTI JOIN") == []


def test_drift(database: duckdb.DuckDBPyConnection, summary: Summary) -> None:
    """The same objects, with count and first and last time."""
    found = {row[:3]: row[3] for row in ask(database, "unnest")}
    assert found == {key: seen.count for key, seen in summary.drift.items()}
    first = {row[:3]: timestamp({"ts": f"{row[4].isoformat()}"}) for row in ask(database, "unnest")}
    assert first == pytest.approx({key: seen.first for key, seen in summary.drift.items()})


def test_the_json_of_fate_has_the_members_that_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the same order, and with values of the same types."""
    monkeypatch.chdir(tmp_path)
    (shown,) = re.findall(r"<!-- fate -->\n```json\n(.*?)```", PAGE, re.DOTALL)
    about: Record = {"channel": "RCS", "event_type": "isTyping", "time_utc": "2025-09-03T08:00:05"}
    about |= {"path": "/cm/events", "status": 500, "upstream_status": 500}
    made = attempts(*["upstream_rejected"] * 3, **A, **about)
    write(tmp_path / "hookgate-audit.jsonl", *made)
    printed = caller(capsys)("audit", "fate", "r-1", "--json").out.splitlines()[0]
    assert shape_of(json.loads(printed)) == shape_of(json.loads(shown))


def shape_of(value: Any) -> Any:
    """The members in their order, with the type of each."""
    if isinstance(value, dict):
        return [(name, shape_of(member)) for name, member in value.items()]
    return shape_of(value[0]) if isinstance(value, list) and value else type(value)


def test_yaml_is_yaml() -> None:
    """Each snippet parses."""
    snippets = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(snippets) == 2
    assert all(isinstance(yaml.safe_load(snippet), dict) for snippet in snippets)
