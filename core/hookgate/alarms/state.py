"""What `hookgate watch` knows from one run to the next: a small file, replaced whole."""

import fcntl
import json
import os
import time
from math import isfinite
from operator import methodcaller
from pathlib import Path
from typing import Any

from hookgate.files import ForeignFileError, give_to_folders_owner, open_own, replace_file

FORM = "hookgate-alarms 1"
_LARGEST = 32 << 20
_PAUSE_SECONDS = 0.1


# How every version's begins.
_MARK = b'{"form":"hookgate-alarms '


class AlarmStateError(Exception):
    """A state file that says nothing; the message says why."""


class StateInUseError(Exception):
    """A state file that another watcher goes by at this moment."""


def read_state(path: Path) -> dict[str, Any] | None:
    """Return what was written there last; None where no file is, or an empty one.

    Raises `AlarmStateError`, and `ForeignFileError` where it is something else, or may be.
    """
    own = open_own(path, methodcaller("startswith", _MARK), "what hookgate watch knows")
    if own is None:
        return None
    with own as file:
        try:
            data = file.read(_LARGEST + 1)
        except OSError as error:
            raise ForeignFileError(f"cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise AlarmStateError("it is larger than any")
    try:
        said = json.loads(data, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        raise AlarmStateError("it is damaged") from None
    if type(said) is not dict or said.get("form") != FORM:
        raise AlarmStateError("it is of another version")
    return said


def _finite(text: str) -> float:
    if not isfinite(number := float(text)):
        raise ValueError("by a time that is no number nothing would ever be told")
    return number


def lock_state(path: Path, patience: float = 0.0) -> int:
    """Keep other watchers from a state file, by one beside it, as long as the descriptor is open.

    Raises `StateInUseError` where another has it for more than `patience` seconds, and OSError,
    which names the file beside it, where that cannot be opened or locked.
    """
    until = time.monotonic() + patience
    beside = path.with_name(f"{path.name}.lock")
    fd = _open_lock(beside)
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(fd)
                raise StateInUseError("is in use by another hookgate watch") from None
            time.sleep(_PAUSE_SECONDS)
        except OSError as error:  # a file system without locks
            os.close(fd)
            raise OSError(error.errno, error.strerror, str(beside)) from None


def _open_lock(path: Path) -> int:
    flags = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600)
    except OSError as error:
        try:
            return os.open(path, os.O_RDONLY | flags)  # locking takes no right to write
        except OSError:
            raise error from None
    give_to_folders_owner(path)
    return fd


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Replace the file: after a crash it is the old one or the new. Raises OSError."""
    # A name or a record may hold lone surrogates, which orjson does not write.
    data = json.dumps({"form": FORM, **state}, separators=(",", ":")).encode("ascii")
    replace_file(path, data)
    give_to_folders_owner(path)
