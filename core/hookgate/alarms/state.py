"""What `hookgate watch` knows from one run to the next: a small file, replaced whole."""

import json
import os
import stat
from pathlib import Path
from typing import Any

from hookgate.files import kind_of, replace_file

FORM = "hookgate-alarms 1"
_LARGEST = 32 << 20


class AlarmStateError(Exception):
    """A state file that says nothing; the message says why."""


def read_state(path: Path) -> dict[str, Any] | None:
    """Return what was written there last; None where no file is. Raises `AlarmStateError`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AlarmStateError(f"it cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(mode := os.fstat(fd).st_mode):
        os.close(fd)
        raise AlarmStateError(f"it is {kind_of(mode)}")
    with os.fdopen(fd, "rb") as file:
        try:
            data = file.read(_LARGEST + 1)
        except OSError as error:
            raise AlarmStateError(f"it cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise AlarmStateError("it is larger than any")
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        raise AlarmStateError("it is no JSON") from None
    if type(said) is not dict or said.get("form") != FORM:
        raise AlarmStateError("it is of another version, or of something else")
    return said


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Replace the file: after a crash it is the old one or the new. Raises OSError."""
    # A name or a record may hold lone surrogates, which orjson does not write.
    data = json.dumps({"form": FORM, **state}, separators=(",", ":")).encode("ascii")
    replace_file(path, data)
