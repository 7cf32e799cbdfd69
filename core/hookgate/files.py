"""Reading the files that a configuration names: regular ones, of a bounded size, never a wait."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from hookgate.wording import path_in_shell

from .paths import is_folder

LARGEST = 1 << 20
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link",
}
# By so many bytes a file shows whose it is.
_BEGINNING = 4096
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class FileError(ValueError):
    """A file that cannot be used; the message follows its name, says why, and names the mend."""


class AbsentFileError(FileError):
    """A file that is not there."""


class MissingFileError(AbsentFileError):
    """A file that is not there, in a folder that is: it can be made."""


class ForeignFileError(FileError):
    """A file that hookgate did not write, or may not have, and so does not replace."""


class Contents(NamedTuple):
    """What was read, and the permission bits of the file that it was read from."""

    data: bytes
    mode: int


def kind_of(mode: int) -> str:
    """What a file is that is no regular one."""
    return _KINDS.get(stat.S_IFMT(mode), "no file")


def read_file(path: str) -> Contents:
    """The contents of a regular file of at most `LARGEST` bytes. Links to one are followed, and
    /dev/null is an empty one, as everywhere.

    Raises `FileError`. Nothing is waited for: what is read is the file that was looked at, and a
    FIFO is opened without its other end.
    """
    if path == os.devnull:
        return Contents(b"", 0)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, a lone surrogate
        why = str(error.strerror) if isinstance(error, OSError) else "no name of a file"
        kind = FileError
        if isinstance(error, FileNotFoundError):
            why += _looked_in(path)
            kind = MissingFileError if is_folder(Path(path).parent) else AbsentFileError
        raise kind(f"cannot be read: {why}") from None
    try:
        mode = os.fstat(fd).st_mode
        if not stat.S_ISREG(mode):
            raise FileError(f"cannot be read: it is {kind_of(mode)}; name a regular file")
        data = b""
        while len(data) <= LARGEST and (part := os.read(fd, LARGEST + 1 - len(data))):
            data += part
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}") from None
    finally:
        os.close(fd)
    if len(data) > LARGEST:
        raise FileError("cannot be read: it is larger than 1 MiB; name the file that was meant")
    return Contents(data, mode)


def whole_path(path: str) -> str:
    """Return a path with the folder that it counts from; as it is where that is gone."""
    try:
        return str(Path(path).absolute())
    except OSError:
        return path


def _looked_in(path: str) -> str:
    """Say where a relative path was looked for: under systemd that is another folder than here."""
    if path.startswith("/"):
        return ""
    try:
        return f" in {Path.cwd()}"
    except OSError:
        return " in a working directory that is gone"


def read_file_if_there(path: str) -> Contents | None:
    """As `read_file`, None where nothing has that name. Raises `FileError`."""
    return read_file(path) if os.path.lexists(path) else None


def read_secret(path: str) -> Contents:
    """As `read_file`, of a file that nobody but its owner may write. Raises `FileError`."""
    contents = read_file(path)
    if contents.mode & _OTHERS_WRITE:
        mode = stat.S_IMODE(contents.mode)
        changes = ["g-w"] * bool(mode & stat.S_IWGRP) + ["o-rwx"] * bool(mode & stat.S_IRWXO)
        raise FileError(
            f"can be written by others than its owner (mode {mode:04o}), who could put a key of"
            f" theirs there; chmod {','.join(changes)} {path_in_shell(path)}"
        )
    return contents


def open_own(path: Path, is_own: Callable[[bytes], bool], what: str) -> BinaryIO | None:
    """Open a file that is to be replaced; None where no file is, or an empty one.

    `is_own` tells by its first 4096 bytes whether it is `what` hookgate wrote before. Raises
    `ForeignFileError` where it is something else, or may be.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ForeignFileError(f"cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(mode := os.fstat(fd).st_mode):
        os.close(fd)
        raise ForeignFileError(f"is {kind_of(mode)}")
    file = os.fdopen(fd, "rb")
    try:
        begins = file.read(_BEGINNING)
        file.seek(0)
    except OSError as error:
        file.close()
        raise ForeignFileError(f"cannot be read: {error.strerror}") from None
    if begins and is_own(begins):
        return file
    file.close()
    if begins:
        raise ForeignFileError(f"holds something else than {what}")
    return None


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file, for its owner alone: after a crash it is the old one or the new.

    Raises OSError.
    """
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(new, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def is_open_to_all(mode: int) -> bool:
    """Whether everybody on the machine may read it."""
    return bool(mode & stat.S_IROTH)


def give_to_folders_owner(*files: Path) -> None:
    """Give files that root made to whom their folder belongs, who reads and rotates those in it.

    A link, of either kind, is left alone: whoever may write to the folder could have put it there.
    """
    if os.geteuid():
        return
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    for file in files:
        try:
            fd = os.open(file, flags)
        except OSError:
            continue
        with os.fdopen(fd):
            made, owner = os.fstat(fd), file.parent.stat()
            is_ours = stat.S_ISREG(made.st_mode) and made.st_nlink == 1 and made.st_uid == 0
            if is_ours and (made.st_uid, made.st_gid) != (owner.st_uid, owner.st_gid):
                os.fchown(fd, owner.st_uid, owner.st_gid)
