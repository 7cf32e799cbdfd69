"""A ledger that was deleted with its state file, and begun anew, beside notes that saw it."""

import time
from pathlib import Path

import pytest

from hookgate.ledger.reading.files import find_files
from support.calling import Call
from support.forgery import write_boots

NOTES = ("--note", "kept", "--anchor-key", "key.pub", "--json")


@pytest.mark.parametrize("with_state", [True, False], ids=["with its state file", "without"])
def test_it_is_told_from_files_that_rotation_took(
    with_state: bool, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path("audit.jsonl").absolute()
    call("keys", "new", "anchor", "key", "--name", "gate1.example.com/hookgate")

    def anchor_long_ago() -> int:
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda: 1_000_000.0)
            files = map(str, find_files(path))
            return call("anchor", *files, "--key", "key", "--folder", "kept").status

    write_boots(path, "a", b"")
    assert anchor_long_ago() == 0
    for file in find_files(path):
        file.unlink()
    if with_state:
        path.with_name("audit.state").unlink()
    write_boots(path, "b", b"")
    assert anchor_long_ago() == 0
    told = call("audit", "verify", *map(str, find_files(path)), *NOTES)
    (found,) = (each for each in told.json["findings"] if each["boot"] == "boot-a")
    assert (found["kind"], told.status) == (("gone", 1) if with_state else ("rotated", 0))
    assert ("found neither lines nor a state file" in found["text"]) is with_state
