"""The descriptor that ledger lines go to."""

import errno
import fcntl
from pathlib import Path

import pytest

from hookgate.ledger.writing.opening import LedgerError, open_file


def test_a_file_system_without_locks_is_no_other_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some of a network: the message says what is so."""

    def flock(_fd: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(LedgerError, match="cannot be locked: No locks available; name a file on a"):
        open_file(str(tmp_path / "audit.jsonl"))
