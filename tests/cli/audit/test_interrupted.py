"""A reading that is given up: at once, without a word, and no process of it stays."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from support.lines import delivery
from support.trials import as_written

MANY = 30_000


def children(pid: int) -> list[int]:
    """The processes that a process began."""
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def test_ctrl_c_ends_a_reading_with_its_processes(tmp_path: Path) -> None:
    files = [tmp_path / "audit.jsonl.1", tmp_path / "audit.jsonl"]
    for number, file in enumerate(files):
        line = as_written(delivery(number + 1, client="192.0.2.1", sha256="a" * 64), number + 1)
        file.write_bytes(line * MANY)
    command = (sys.executable, "-m", "hookgate_cli", "audit", "show", "--reason", "clean")
    # Nobody reads what is shown: it comes to a stop, and so do those that read for it.
    with subprocess.Popen(
        [*command, *map(str, files)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1)
        reading = children(process.pid)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told == b""
    if len(reading) > 0:
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{pid}").exists() for pid in reading):
            assert time.monotonic() < deadline
            time.sleep(0.01)
