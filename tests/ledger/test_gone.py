"""A ledger that is deleted or emptied under a running gate: the gate serves on, and says so."""

import os
from pathlib import Path

import pytest

from hookgate.ledger.reading.files import find_files
from support.admin import ON, Admin
from support.calling import caller
from support.events import CLEAN
from support.ledger import lines_so_far, read_ledger
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.sidecar import sidecar


@pytest.mark.parametrize("how", ["deleted", "truncated"])
def test_it_is_an_error_a_metric_and_a_record(
    how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with the number of lines that nobody has any more; events are answered all the while.

    Afterwards no verdict is a clean one, until the lines are put back.
    """
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **ON) as gate:
        admin = Admin(gate)
        for _ in range(3):
            assert ask(gate.port, post(CLEAN)).status == 200
        assert len(lines_so_far(gate.audit)) == 7
        before, old = gate.audit.read_bytes(), os.open(gate.audit, os.O_RDONLY)
        if how == "deleted":
            gate.audit.unlink()
        else:
            os.truncate(gate.audit, 0)
        assert ask(gate.port, post(CLEAN)).status == 200
        said = gate.wait_for_log("ledger.lines_missing")
        assert said["level"] == "error"
        assert said["cause"] == how
        lost = 9 if how == "deleted" else 7  # what is written into a deleted file goes with it
        assert (said["first_n"], said["last_n"], said["lines"]) == (1, lost, lost)
        assert admin.value("hookgate_ledger_lines_missing_total") == lost
        assert wait_until(lambda: len(gate.records("gap")) == 1)
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
    gone = before if how == "truncated" else os.pread(old, 1 << 20, 0)
    os.close(old)
    (gap,) = (record for record in read_ledger(gate.audit) if record["event"] == "gap")
    assert (gap["cause"], gap["first_n"], gap["last_n"]) == (how, 1, lost)
    call = caller(capsys)
    for verb in ("balance", "verify"):
        told = call("audit", verb, str(gate.audit), "--json")
        assert told.status == 1
        assert "gap" in [finding["kind"] for finding in told.json["findings"]]
    fate = call("audit", "fate", "nobody", "--log", str(gate.audit))
    assert fate.out.splitlines()[0] == "not seen in what could be read  nobody"
    assert f"lines 1 to {lost} are gone" in fate.err
    assert fate.status == 1
    gate.audit.with_suffix(".jsonl.1").write_bytes(gone)
    files = [str(file) for file in find_files(gate.audit)]
    for verb in ("balance", "verify"):
        told = call("audit", verb, "--json", *files)
        assert [finding["kind"] for finding in told.json["findings"]] == ["returned"]
        assert told.status == 0
    fate = call("audit", "fate", "nobody", *(word for file in files for word in ("--log", file)))
    assert fate.out.splitlines()[0] == "never seen  nobody"
    assert "gone" not in fate.err
