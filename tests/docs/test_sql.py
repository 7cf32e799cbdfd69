"""The SQL of docs/audit.md is run, and says what hookgate says; its YAML is YAML."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from hookgate.ledger.balance import balance
from hookgate.ledger.fate import lost
from hookgate.ledger.reader import read, timestamp
from hookgate.ledger.stats import Summary, summarise
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
    expected = [story.identifier for story in lost(lambda: read(sorted(folder.iterdir())))]
    assert [row[0] for row in ask(database, "HAVING")] == expected != []


def test_balance_and_forwards(database: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Nothing is open, as the ledger balances."""
    (sheet,) = balance(read(sorted(folder.iterdir()))).sheets
    assert ask(database, "AS open") == [(sheet.boot, sheet.received, sheet.received, 0)]
    assert ask(database, "ANTI JOIN") == []


def test_drift(database: duckdb.DuckDBPyConnection, summary: Summary) -> None:
    """The same objects, with count and first and last time."""
    found = {row[:3]: row[3] for row in ask(database, "unnest")}
    assert found == {key: seen.count for key, seen in summary.drift.items()}
    first = {row[:3]: timestamp({"ts": f"{row[4].isoformat()}"}) for row in ask(database, "unnest")}
    assert first == pytest.approx({key: seen.first for key, seen in summary.drift.items()})


def test_yaml_is_yaml() -> None:
    """Each snippet parses."""
    snippets = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(snippets) == 2
    assert all(isinstance(yaml.safe_load(snippet), dict) for snippet in snippets)
