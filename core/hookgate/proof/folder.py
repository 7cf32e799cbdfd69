"""The folder that `hookgate anchor` keeps: files by boot, each replaced whole or not at all."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hookgate.files import replace_file

from .checkpoint import Missing

LEAVES, BLOCKS, STATE, NOTE, STAMP = ".leaves", ".blocks", ".state", ".note", ".tsr"
_BOOT = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_DIGEST = re.compile(r"(?:[0-9a-f]{64})?")
# Bytes; no file that is read whole is larger.
_MOST = 1 << 20


class KeptError(Exception):
    """What is wrong with what is kept of a boot; the message says it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How far a boot is kept: `size` lines, of which the last has the digest `tip`, "" where that
    line was never seen.

    `ended` says that no line can follow, `concluded` that a note was signed since, `gone` that the
    ledger has no line of it any more, `dropped` that its leaves were kept long enough. `missing`
    lines were in no file when they were signed.
    """

    size: int = 0
    tip: str = ""
    ended: bool = False
    concluded: bool = False
    gone: bool = False
    dropped: bool = False
    missing: Missing = ()


def is_boot(name: object) -> bool:
    """Tell whether a boot can be kept by this name, as each of a gate's can."""
    return type(name) is str and _BOOT.fullmatch(name) is not None


def boots_of(folder: Path, suffix: str = STATE) -> list[str]:
    """Return the boots of which there is such a file. Raises OSError."""
    found = (path.name.removesuffix(suffix) for path in folder.iterdir() if path.suffix == suffix)
    return sorted(filter(is_boot, found))


def path_of(folder: Path, boot: str, suffix: str) -> Path:
    """Name a boot's file. Raises ValueError for what is no boot's name."""
    if not is_boot(boot):
        raise ValueError(f"{boot!r} names no boot")
    return folder / (boot + suffix)


def read_note(folder: Path, boot: str) -> bytes | None:
    """Return the newest note of a boot, as it was signed; None where there is none.

    Raises OSError.
    """
    return read_whole(path_of(folder, boot, NOTE))


def read_kept(folder: Path, boot: str) -> Kept | None:
    """Return how far a boot is kept, None where nothing is.

    Raises OSError, and `KeptError` where it cannot be told.
    """
    data = read_whole(path_of(folder, boot, STATE))
    if data is None:
        return None
    try:
        said: Any = json.loads(data)
        missing = tuple((int(first), int(last)) for first, last in said.pop("missing", ()))
        kept = Kept(**said, missing=missing)
    except (ValueError, TypeError, AttributeError):
        raise KeptError("its state file is damaged") from None
    flags = (kept.ended, kept.concluded, kept.gone, kept.dropped)
    if (
        type(kept.size) is not int
        or kept.size < 0
        or type(kept.tip) is not str
        or not _DIGEST.fullmatch(kept.tip)
        or any(type(flag) is not bool for flag in flags)
    ):
        raise KeptError("its state file is damaged")
    return kept


def write_kept(folder: Path, boot: str, kept: Kept) -> None:
    """Replace a boot's state file. Raises OSError."""
    replace_file(path_of(folder, boot, STATE), json.dumps(asdict(kept)).encode() + b"\n")


def read_whole(path: Path) -> bytes | None:
    """Return what a small file holds, None where it is not there. Raises OSError."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST)
    except FileNotFoundError:
        return None
