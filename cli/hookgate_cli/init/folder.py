"""A folder gets new files: each appears whole, and none that is there is touched."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hookgate.paths import is_folder, is_there
from hookgate_cli.common import FAILED, fail


class NewFile(NamedTuple):
    """Hold a file that is to be written, with its permission bits."""

    name: str
    text: str
    mode: int = 0o644


def refuse_present(folder: Path, names: Sequence[str]) -> None:
    """Exit with 2 where one of the files is there, and say what to do."""
    if not str(folder).isprintable():
        fail(f"{folder} holds what does not print; name a folder that the configuration can name")
    try:
        if is_there(folder) and not is_folder(folder):
            fail(f"{folder} is no folder; name another")
        present = [name for name in names if os.path.lexists(folder / name)]
    except OSError as error:
        fail(f"{folder} cannot be looked at: {error.strerror}", FAILED)
    if present:
        fail(
            f"{' and '.join(present)} in {folder} would be overwritten; name another folder, like "
            f"{folder}-2, or move what is there away"
        )


def write(folder: Path, files: Sequence[NewFile]) -> None:
    """Write all of them, or none. Exits with 2 where one is there, with 1 where one cannot be."""
    refuse_present(folder, [file.name for file in files])
    written: list[Path] = []
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(0o755, exist_ok=True)  # whoever may write here may replace a key
        for file in files:
            _write_one(folder, file)
            written.append(folder / file.name)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        fail(f"{error.filename or folder} cannot be written: {error.strerror}", FAILED)


def _write_one(folder: Path, file: NewFile) -> None:
    new = folder / f".{file.name}.new"
    new.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(new, flags, file.mode), "w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), file.mode)
            stream.write(file.text)
            stream.flush()
            os.fsync(stream.fileno())
        # Unlike a rename it replaces nothing that came meanwhile.
        os.link(new, folder / file.name)
    finally:
        new.unlink(missing_ok=True)
