"""`hookgate quarantine --fleet` takes no more memory, whatever a gate's login put there."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from support.fleet import Fleet
from support.sidecar import HOOKGATE

ITEMS, RECORD = 1_500, 200_000
# More than the command itself takes, and less than a tenth of all records.
MOST_KIB = 150 << 10
PEAK = """\
import atexit
from pathlib import Path
atexit.register(lambda: Path("peak").write_text(Path("/proc/self/status").read_text()))
"""
# Bodies whose SHA-256 begin alike, each with what lies beside it.
PLANTED = f"""
INSERT INTO hookgate.item (name, gate, kept, kept_at, custody, record, size, body)
SELECT 'abcd' || rpad(n::text, 60, '0') || '-0123456789abcdef', 'amsterdam', kept,
       now() - make_interval(secs => n), false,
       json_build_object('kept', encode(kept, 'hex'), 'reference', repeat('x', {RECORD})), 1, ''
  FROM (SELECT n, sha256(n::text::bytea) AS kept FROM generate_series(1, {ITEMS}) n) one"""


@pytest.mark.parametrize(
    "verb", ["list", "list --json", "show abcd", "purge --all", "list --reference none"]
)
def test_what_is_listed_is_not_held(fleet: Fleet, tmp_path: Path, verb: str) -> None:
    """All is told all the same."""
    fleet.gate()
    fleet.sql(PLANTED)
    name, *words = verb.split()
    command = [HOOKGATE, "quarantine", name, *words, "--fleet", "--dsn-file", "replayer.dsn"]
    (tmp_path / "sitecustomize.py").write_text(PEAK)
    with (tmp_path / "told").open("wb") as told:
        env = {**os.environ, "PYTHONPATH": str(tmp_path)}
        subprocess.run(command, cwd=tmp_path, env=env, stdout=told, stderr=told, check=False)
    peak = re.search(r"VmHWM:\s+([0-9]+) kB", (tmp_path / "peak").read_text())
    assert peak is not None
    assert int(peak[1]) < MOST_KIB
    text = (tmp_path / "told").read_bytes()
    if "none" in verb:
        assert b"none of 1,500 items in the store is what was asked for" in text
    else:
        assert text.count(b"amsterdam") >= ITEMS
