"""A verb imports what it needs: none of the others, and no library that only they use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.verbs import verbs_below

# Runs the command; the last line on stderr is what was imported until its end.
TELL = """
import atexit, sys
from hookgate_cli.main import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
main(sys.argv[1:])
"""
LIBRARIES = {
    *("psycopg", "duckdb", "requests", "urllib3", "jinja2", "vl_convert", "cryptography"),
    *("pyrage", "prometheus_client", "mitmproxy", "structlog", "uvloop", "httptools"),
    *("starlette", "uvicorn", "asyncio", "zstandard", "rich.markdown", "hookgate_sidecar.server"),
    "concurrent.futures",
}
NEEDED = {"fleet status": {"psycopg", "asyncio", "concurrent.futures"}}


@pytest.mark.parametrize(
    "line",
    [
        *("audit fate a", "audit explain a", "audit show", "audit balance", "quarantine list"),
        "fleet status",
    ],
)
def test_a_verb_imports_nothing_that_only_others_need(line: str, tmp_path: Path) -> None:
    """From its start until it has answered; a small ledger is read by one process."""
    (tmp_path / "audit.jsonl").touch()
    environment = {**os.environ, "HOOKGATE_AUDIT__PATH": "audit.jsonl"}
    done = subprocess.run(
        [sys.executable, "-c", TELL, *line.split()],
        env=environment, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    modules = set(done.stderr.splitlines()[-1].split())
    group, verb, *_ = line.split()
    others = {f"hookgate_cli.{name}" for name in verbs_below()} - {
        *("hookgate_cli.audit", f"hookgate_cli.{group}")  # whose rooms have what all share
    }
    others |= {f"hookgate_cli.{group}.{name}" for name in verbs_below(group) if name != verb}
    assert f"hookgate_cli.{group}.{verb}" in modules
    assert sorted(modules & (others | (LIBRARIES - NEEDED.get(f"{group} {verb}", set())))) == []


def test_a_broken_verb_breaks_no_other(tmp_path: Path) -> None:
    """Where what it imports is missing it says what, and help names it beside the others."""
    code = f"import sys; sys.modules['hookgate_cli.quarantine.replay'] = None\n{TELL}"
    asked, told = (
        subprocess.run(
            [sys.executable, "-c", code, "quarantine", word],
            cwd=tmp_path, capture_output=True, text=True,
        )
        for word in ("replay", "--help")
    )  # fmt: skip
    assert asked.returncode == 2
    assert "the installation is not whole" in asked.stderr
    assert told.returncode == 0
    assert "Cannot be used" in told.stdout
    assert "Erase what is kept" in told.stdout
