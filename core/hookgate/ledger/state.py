"""The state file beside a ledger: its last line when hookgate last started, rotated or stopped.

It shows what a ledger cannot show by itself: that its newest lines, or whole files, are gone.
"""

import json
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

import orjson

from hookgate.files import replace_file

from .names import PART
from .seal import Keyring, Seal, close, split

SUFFIX = ".state"
_LONGEST = 4096
_LINE = re.compile(r"(?P<boot>[^:]{1,64}):(?P<n>[0-9]{1,18}):(?P<digest>[0-9a-f]{64})?")


class StateError(Exception):
    """A state file that says nothing; the message says why."""


class LastLine(NamedTuple):
    """A line that is named elsewhere. `n` is 0 where the boot had none yet."""

    boot: str
    n: int
    digest: str

    def __str__(self) -> str:
        return f"{self.boot}:{self.n}:{self.digest}"


def parse_last_line(text: object) -> LastLine | None:
    """Parse what `start` has as `follows`, None where that is no name of a line."""
    match = _LINE.fullmatch(text) if type(text) is str else None
    return LastLine(match["boot"], int(match["n"]), match["digest"] or "") if match else None


def state_path(ledger: Path) -> Path:
    """Name a ledger's state file: `audit.state` of `audit.jsonl`, `audit.log.state` of others.

    Its name holds no `.jsonl`: who reads all ledgers of a folder by their names must not find it.
    """
    return ledger.with_name(ledger.name.removesuffix(".jsonl") + SUFFIX)


def find_states(ledger: Path) -> list[Path]:
    """Find the state files of the ledger at this path, its workers' and its replays', by name."""
    rest = re.escape(ledger.suffix.removesuffix(".jsonl") + SUFFIX)
    name = re.compile(re.escape(ledger.stem) + PART + rest)
    try:
        return sorted(file for file in ledger.parent.iterdir() if name.fullmatch(file.name))
    except OSError:
        return []


def read_state(path: Path, keyring: Keyring, ledger: str | None = None) -> LastLine:
    """Return the line that a state file names; where there are keys, only if one sealed it.

    Raises `StateError`, also where it is another ledger's than that with the name `ledger`.
    """
    data = _read(path)
    raw = data[:-1]
    if not data.endswith(b"\n"):
        raise StateError("it was cut off")
    body, mac = split(raw)
    if keyring and not mac:
        raise StateError("it is not sealed: written without the key, or made up")
    if keyring and keyring.find(body, mac) is None:
        raise StateError("its seal is of another key, or it was edited")
    try:
        said = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise StateError("it is no JSON") from None
    last = parse_last_line(said.get("last")) if type(said) is dict else None
    if last is None:
        raise StateError("it names no line")
    if ledger is not None and said.get("ledger") != ledger:
        raise StateError("it is another ledger's")
    return last


def write_state(path: Path, ledger: str, last: LastLine, seal: Seal | None) -> None:
    """Replace a state file: after a crash it is the old one or the new. Raises OSError."""
    line = json.dumps({"ledger": ledger, "last": str(last)}, separators=(",", ":")).encode()
    if seal is not None:
        line = close(line, seal.mac(line[:-1]))
    replace_file(path, line + b"\n")


def _read(path: Path) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise StateError(f"it cannot be read: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise StateError("it is no file")
        data = os.read(fd, _LONGEST)
    except OSError as error:
        raise StateError(f"it cannot be read: {error.strerror}") from None
    finally:
        os.close(fd)
    return data
