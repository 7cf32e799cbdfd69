"""One watcher at a time goes by a state, or says that nothing keeps a second one away."""

import os
import subprocess
from pathlib import Path

from hookgate.alarms.state import lock_state
from support.calling import Call
from support.namespaces import need
from support.sidecar import HOOKGATE


def test_a_second_watcher_of_one_state_ends_at_once(call: Call, tmp_path: Path) -> None:
    """As cron's beside the service: else each alarm would be told twice."""
    Path("hookgate.toml").write_text('[audit]\npath = "audit.jsonl"\n[alarm]\nsilence = "off"\n')
    held = lock_state(Path("hookgate-alarms.json"))
    told = call("watch", "--once")
    assert (told.status, told.out) == (2, "")
    assert "is in use by another hookgate watch: each alarm would be told twice" in told.err
    os.close(held)
    assert call("watch", "--once").status == 1


def test_without_its_lock_no_watcher_runs(call: Call) -> None:
    """Two of one state would tell everything twice: the file is named, and what to do."""
    Path("hookgate.toml").write_text('[audit]\npath = "audit.jsonl"\n[alarm]\nsilence = "off"\n')
    Path("hookgate-alarms.json.lock").symlink_to("elsewhere")
    told = call("watch", "--once")
    assert (told.status, told.out) == (2, "")
    assert 'alarm.state = "hookgate-alarms.json": hookgate-alarms.json.lock: Too many' in told.err
    assert "Name a file in a folder that this user may write to" in told.err
    assert not Path("elsewhere").exists()


def test_on_a_disk_that_is_read_only_it_watches_all_the_same(tmp_path: Path) -> None:
    """And says that nothing keeps a second one away."""
    (tmp_path / "hookgate.toml").write_text('[alarm]\nsilence = "off"\n')
    script = 'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; cd "$0"; "$1" watch --once'
    command = [*need("--mount", "--map-root-user"), "sh", "-euc", script]
    done = subprocess.run(
        [*command, tmp_path, HOOKGATE], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1, done.stderr  # there is no ledger
    assert "hookgate-alarms.json.lock: Read-only file system; nothing keeps a" in done.stderr
