"""What `make audit-deps` makes of the answers of pip-audit: found, none found, and not asked."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "release/audit_deps.py"
# As pip-audit 2.9 writes them.
CLEAN = {"name": "orjson", "version": "3.11.4", "vulns": []}
FOUND = {
    "name": "h11",
    "version": "0.14.0",
    "vulns": [
        {"id": "PYSEC-2025-1", "fix_versions": ["0.16.0"], "aliases": [], "description": "x"},
        {"id": "PYSEC-2025-2", "fix_versions": [], "aliases": [], "description": "y"},
    ],
}
SKIPPED = {"name": "typer", "skip_reason": "Dependency not found on PyPI: typer (0.20.0)"}
UNREACHABLE = "ERROR:pip_audit._cli:Tried to connect to pypi.org, and failed"


def audit(folder: Path, report: Any, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run it with a uv that exports nothing, and a pip-audit that says this."""
    programs = {
        "uv": "exit 0",
        "pip-audit": f"""
            while [ "$1" != --output ]; do shift; done
            {"" if report is None else f'cp "{folder}/answer.json" "$2"'}
            echo '{said}' >&2
            exit 1""",
    }
    (folder / "answer.json").write_text(json.dumps({"dependencies": report, "fixes": []}))
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, SCRIPT], env={**os.environ, "PATH": path}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("report", "said", "status", "words", "errors"),
    [
        ([CLEAN], "No known vulnerabilities found", 0, "1 packages were asked about, 0 find", ""),
        ([CLEAN, FOUND], "Found 2", 1, "h11 0.14.0: PYSEC-2025-1, mended in 0.16.0\n", ""),
        ([FOUND], "Found 2", 1, "h11 0.14.0: PYSEC-2025-2, mended in no version yet\n", ""),
        (None, UNREACHABLE, 3, "", f"could not be asked about any package: {UNREACHABLE}"),
        (None, "", 3, "", "could not be asked about any package: it gave no reason"),
        ([CLEAN, SKIPPED], "", 3, "", f"about 1 of 2 packages: {SKIPPED['skip_reason']}"),
        ([FOUND, SKIPPED], "", 1, "PYSEC-2025-1", "about 1 of 2 packages"),
    ],
)  # fmt: skip
def test_what_is_known_what_is_not_and_what_could_not_be_asked(
    tmp_path: Path, report: Any, said: str, status: int, words: str, errors: str
) -> None:
    """Not asked is no "nothing": it has a status of its own, the reason, and a way to ask."""
    done = audit(tmp_path, report, said)
    assert (done.returncode, words in done.stdout, errors in done.stderr) == (status, True, True)
    assert ("not known" in done.stderr) == bool(errors)
    assert "Traceback" not in done.stderr
