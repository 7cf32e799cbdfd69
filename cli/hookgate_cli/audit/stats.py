"""`hookgate audit stats`: the ledger in numbers."""

from pathlib import Path

import typer

from hookgate.ledger.audit import duckdb_stats
from hookgate.ledger.audit.query import Query
from hookgate.ledger.audit.stats import Summary, summarise
from hookgate.ledger.audit.summary_json import as_dict
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, err, plain_errors
from hookgate_cli.option_groups import grouped
from hookgate_cli.terminal import print_json, printable

from .asked import asked_of_fleet
from .choosing import find_ledgers
from .configured import Keys, load_seal_keys
from .filters import Filters, UtcOption
from .ledger import Ledger
from .options import FilesArgument, FleetOptions, SealKeyOption
from .reading import reading, reading_progress
from .summary import print_summary
from .unmatched import Unmatched


@grouped
def stats(
    files: FilesArgument = None,
    *,
    filters: Filters,
    utc: UtcOption = False,
    seal_key: SealKeyOption = None,
    fleet: FleetOptions,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sum up a ledger: outcomes and reasons, sources, channels, latency, and when.

    Large ledgers are read ten times as fast where hookgate[audit] is installed and no seal key is
    given; with one, only the lines that it proves count.

    Examples:

      hookgate audit stats --since 1d

      hookgate audit stats /var/log/hookgate/*.jsonl* --json | jq .outcomes
    """
    query = filters.query(config, utc=utc)
    keys = load_seal_keys(seal_key, config)
    with plain_errors():
        of_fleet = asked_of_fleet(fleet, files, config, query.since, query.until)
        ledger = find_ledgers(files, config, fleet=of_fleet)
        summary = sum_up(ledger, query, keys, config)
    if as_json:
        print_json({**as_dict(summary), "notes": ledger.as_json()})
    else:
        print_summary(summary, utc=utc)
    if summary.malformed or summary.damaged or ledger.unread or ledger.is_unproven:
        raise typer.Exit(FINDING)


def sum_up(ledger: Ledger, query: Query, keys: Keys = (), config: str | None = None) -> Summary:
    """Sum up a ledger: by DuckDB where it is installed and large, else line by line.

    With keys it is always line by line, and only the lines that they prove count.
    """
    if not keys and query.is_only_of_time:
        with ledger.plain_files() as files:
            if files is not None and duckdb_stats.is_worthwhile(files):
                summary = _sum_up_by_duckdb(ledger, files, query)
                if summary is not None:
                    return summary
    unmatched = Unmatched(query, config)
    with reading(ledger, keys) as lines:
        asked = None if query == Query() else query
        summary = summarise(unmatched.watch(lines), ledger.files, asked)
    unmatched.tell()
    return summary


def _sum_up_by_duckdb(ledger: Ledger, files: list[Path], query: Query) -> Summary | None:
    """Return what DuckDB makes of the files, None where plain Python is to read them."""
    try:
        with reading_progress(ledger) as on_progress:
            heads = ledger.heads()
            summary = duckdb_stats.summarise(files, query.since, query.until, on_progress, heads)
    except duckdb_stats.DuckDBError as error:
        err.print(f"DuckDB gave up, reading line by line: {printable(error)}")
        return None
    summary.files = ledger.files
    # Lines are named by where they were written.
    return None if ledger.is_fleet and summary.problems else summary
