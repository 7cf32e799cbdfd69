"""A library that is missing or broken is told in a line, and stops nothing that needs it not."""

import os
import subprocess
from pathlib import Path

import pytest

from support.sidecar import HOOKGATE

SERVE = ("serve", "--upstream", "http://127.0.0.1:9", "--listen", "127.0.0.1:0")


def run(folder: Path, library: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command where importing the library fails."""
    shim = folder / "shim"
    shim.mkdir(exist_ok=True)
    (shim / f"{library}.py").write_text(f"raise ImportError({library + ' is broken'!r})\n")
    return subprocess.run(
        [HOOKGATE, *arguments],
        env={**os.environ, "PYTHONPATH": str(shim)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("library", "arguments"),
    [
        ("uvloop", SERVE),
        ("httptools", SERVE),
        ("orjson", (*SERVE, "--config", "hookgate.toml")),
        ("jsonschema_rs", ("check", "event.json")),
        ("requests", ("send", "http://127.0.0.1:9")),
        ("mitmproxy", ("mitmdump", "--upstream", "http://127.0.0.1:9", "--print")),
        ("psycopg", ("fleet", "status")),
        ("psycopg", ("ship", "--once")),
        ("uvicorn", ("live", "--token-file", "live.token")),
        ("jinja2", ("audit", "report", "audit.jsonl", "--html", "report.html")),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_what_cannot_be_imported_is_told_in_a_line(
    library: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """With the status of a mistake that only a person can mend."""
    (tmp_path / "audit.jsonl").touch()
    done = run(tmp_path, library, *arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"hookgate: {library} is broken; ")
    assert done.stdout == ""


def test_the_other_verbs_can_be_used(tmp_path: Path) -> None:
    """And help lists the one that cannot, with the reason."""
    listed = run(tmp_path, "uvloop", "--help")
    assert listed.returncode == 0
    assert "uvloop is broken" in listed.stdout
    assert run(tmp_path, "uvloop", "schema", "list").returncode == 0
