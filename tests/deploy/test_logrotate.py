"""The logrotate configuration, by a real logrotate on a ledger that is being written."""

import gzip
import os
import pwd
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from hookgate.ledger.reading.reader import find_files, in_order
from support.events import CLEAN
from support.ledger import assert_balanced, assert_chained, read_ledger
from support.load import Load, sending
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.sidecar import sidecar

CONFIG = Path(__file__).parents[2] / "sidecar/deploy/logrotate.conf"
LOGROTATE = shutil.which("logrotate", path=f"{os.environ['PATH']}:/usr/sbin")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration for a folder of ours, and for whoever runs the tests."""
    text = CONFIG.read_text()
    user = pwd.getpwuid(os.getuid()).pw_name
    group = str(os.getgid())
    for shipped, ours in (
        ("/var/log/hookgate/", f"{tmp_path}/"),
        ("su hookgate hookgate", f"su {user} {group}"),
    ):
        assert shipped in text
        text = text.replace(shipped, ours)
    file = tmp_path / "logrotate.conf"
    file.write_text(text)
    return file


def logrotate(config: Path, *options: str) -> str:
    """Run it, or skip where there is none; returns what it said."""
    if LOGROTATE is None:
        pytest.skip("no logrotate; apt-get install logrotate")
    command = [LOGROTATE, "--state", str(config.parent / "state"), *options, str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "error" not in said
    return said


def test_logrotate_understands_the_configuration(config: Path) -> None:
    """A dry run finds the ledgers, of several workers too, and says no word of an error."""
    for name in ("hookgate-audit.jsonl", "hookgate-audit.2.jsonl"):
        (config.parent / name).write_text("{}\n")
    said = logrotate(config, "--debug", "--force")
    assert said.count("rotating log ") >= 2


@pytest.mark.parametrize("status", [0, 1])
def test_what_a_fleet_has_not_got_is_not_rotated(status: int, config: Path) -> None:
    """With the lines that the configuration has for it; `hookgate ship --wait` says so by its
    status.
    """
    text, number = re.subn(r"^    #(?=\S|    /)", "    ", config.read_text(), flags=re.MULTILINE)
    assert number == 3
    text, number = re.subn(r"/opt/hookgate/bin/hookgate ship --wait .*", f"exit {status}", text)
    assert number == 1
    config.write_text(text)
    ledger = config.parent / "hookgate-audit.jsonl"
    ledger.write_text("{}\n")
    if LOGROTATE is None:
        pytest.skip("no logrotate; apt-get install logrotate")
    command = [LOGROTATE, "--state", str(config.parent / "state"), "--force", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert ledger.exists() == bool(status)
    assert len(list(config.parent.glob("hookgate-audit.jsonl-*"))) == 1 - status


@pytest.mark.parametrize("workers", ["1", "2"])
def test_rotations_under_load_lose_no_line(workers: str, config: Path, tmp_path: Path) -> None:
    """Every event is in the files that hookgate audit finds, gzipped ones too, in one chain."""
    keys = {"sidecar.workers": workers}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        ledgers = [gate.audit] if workers == "1" else [
            gate.audit.with_suffix(f".{number}.jsonl") for number in (1, 2)
        ]  # fmt: skip
        with sending(gate.port) as load:
            for _ in range(3):
                wait_for_answers(load, 30)
                wait_for_another_second()
                logrotate(config, "--force")
                assert wait_until(lambda: all(ledger.exists() for ledger in ledgers))
        assert gate.stop() == 0
    assert set(load.answers.values()) == {200}
    files = in_order(find_files(gate.audit))
    assert sum(file.suffix == ".gz" for file in files) >= 2
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(b"".join(map(content, files)))
    assert_chained(whole)
    assert assert_balanced(whole) == {"delivered": len(load.answers)}
    delivered = [r["sha256"] for r in read_ledger(whole) if r["event"] == "delivery"]
    assert sorted(delivered) == sorted(load.answers)


@pytest.mark.parametrize("options", ["copytruncate", "nodelaycompress", "nocreate nodelaycompress"])
def test_a_rotation_by_other_options_is_no_loss(options: str, config: Path, tmp_path: Path) -> None:
    """Where nothing is written meanwhile, no line is missing and nothing is said."""
    config.write_text(config.read_text().replace("{", "{\n" + "\n".join(options.split()), 1))
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        for _ in range(3):
            assert ask(gate.port, post(CLEAN)).status == 200
        logrotate(config, "--force")
        assert wait_until(lambda: gate.audit.exists() and not gate.audit.stat().st_size)
        wait_for_another_second()
        wait_for_another_second()
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
        assert "lines_missing" not in gate.log.whole()
    assert "gap" not in {record["event"] for record in read_ledger(gate.audit)}


def wait_for_answers(load: Load, count: int) -> None:
    """Until there are so many more."""
    enough = len(load.answers) + count
    assert wait_until(lambda: len(load.answers) >= enough)


def wait_for_another_second() -> None:
    """A rotated file's name ends in the second, and must be another than the last one's."""
    second = int(time.time())
    # logrotate's time(2) reads the coarse clock, which is some milliseconds behind.
    assert wait_until(lambda: int(time.time() - 0.05) > second)


def content(file: Path) -> bytes:
    """A ledger's bytes, whether it is compressed or not."""
    data = file.read_bytes()
    return gzip.decompress(data) if file.suffix == ".gz" else data
