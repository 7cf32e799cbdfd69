"""The tables of docs/audit.md: what reading ledgers takes, beside grep and jq."""

import re
from collections.abc import Iterable
from typing import Any

from bench.report import table

Row = dict[str, Any]
Results = dict[str, Any]

_BLOCK = re.compile(r"(<!-- bench: ledger -->\n).*?(<!-- /bench -->)", re.DOTALL)
# By their names in the results, as a reader of the page knows them.
_NAMES = {
    "grep -F": "`grep -F`, one reference",
    "fate": "`fate`, one reference",
    "explain": "`explain`, one reference",
    "show --reference": "`show --reference`",
    "fate of 10,000": "`fate --file`, 10,000 references",
    "show --reason": "`show --reason`",
    "show --client": "`show --client`",
    "show --since": "`show --until`",
    "stats": "`stats`",
    "jq": "jq, counting less than `stats` does",
    "balance": "`balance`",
    "verify": "`verify`",
    "report": "`report`",
    "fate, 1,000 lines": "`fate`, a ledger of 1,000 lines",
    "hookgate --help": "`hookgate --help`",
}
_SMALL = ("fate, 1,000 lines", "hookgate --help")
_OTHERS = ("grep -F", "jq")
_PACKED = ("grep -F", "fate", "stats", "balance", "verify")


def fill(page: str, results: Results) -> str:
    """Write the tables into a page, between its `bench: ledger` marks."""
    made = f"{markdown(results)}\n"
    return _BLOCK.sub(lambda block: f"{block[1]}{made}{block[2]}", page)


def markdown(results: Results) -> str:
    """Render the largest ledger as it is, sealed, and compressed ones beside it."""
    rows: list[Row] = results["rows"]
    most, least = (choose(row["lines"] for row in rows) for choose in (max, min))
    parts = [
        f"`python bench/ledger.py` on {results['machine']}, {results['date']}:",
        _plain(_of(rows, most, "plain"), _of(rows, most, "sealed")),
    ]
    packed = [kind for kind in (".gz", ".xz", ".zst") if _of(rows, least, kind)]
    if packed:
        size = _told(_of(rows, least, "plain"))
        parts.append(
            f"Compressed, and as they are, {size}, in seconds; `grep -F` reads what is unpacked:"
        )
        kinds = ["plain", *packed]
        times = {kind: {row["command"]: row for row in _of(rows, least, kind)} for kind in kinds}
        lines = [
            (_NAMES[name], *(_seconds(times[kind][name]) for kind in kinds)) for name in _PACKED
        ]
        parts.append(table(["", *kinds], lines))
        if "jq" in times["plain"]:
            parts.append(
                f"jq takes {_seconds(times['plain']['jq'])} s to count less than `stats` does."
            )
    return "\n\n".join(parts)


def _plain(rows: list[Row], sealed: list[Row]) -> str:
    found = {row["command"]: row for row in rows}
    lines = [_line(title, found[name]) for name, title in _NAMES.items() if name in found]
    lines += [_line(f"{_NAMES[row['command']]}, sealed", row) for row in sealed]
    return table([_told(rows), "seconds", "lines/s", "MiB"], lines)


def _line(title: str, row: Row) -> tuple[str, ...]:
    pace = "" if row["command"] in _SMALL else f"{row['lines_a_second']:,}"
    # Of what takes less than the bench itself the system tells the bench's.
    memory = str(row["MiB"]) if row["command"] not in _OTHERS else ""
    return title, _seconds(row), pace, memory


def _seconds(row: Row) -> str:
    return f"{row['seconds']:.2f}"


def _told(rows: list[Row]) -> str:
    return f"{rows[0]['lines']:,} lines, {rows[0]['GB']:g} GB"


def _of(rows: Iterable[Row], lines: int, ledger: str) -> list[Row]:
    return [row for row in rows if (row["lines"], row["ledger"]) == (lines, ledger)]
