"""Files in folders that are held open: no name is looked up twice, and no link is followed."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from hashlib import file_digest, sha256
from pathlib import Path

from hookgate.wording import in_shell

from .error import NotKept, StoreError
from .names import FileName, parse_file_name

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# A FIFO is opened without its other end.
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@contextlib.contextmanager
def opened_root(path: Path) -> Iterator[int]:
    """Open the store's folder, for the block. Raises OSError, and `StoreError` where others than
    its owner may write to it.
    """
    fd = os.open(path, _FOLDER)
    try:
        _refuse_writable(fd)
        yield fd
    finally:
        os.close(fd)


def make_root(path: Path) -> None:
    """Make the store's folder, in a parent that is there, unless it is there. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(0o700)
    # Whoever made it may have been killed before this. Who may not read the parent made nothing.
    with contextlib.suppress(PermissionError):
        parent = os.open(path.parent, _FOLDER)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)


@contextlib.contextmanager
def opened(root: int, name: str, *, create: bool = False) -> Iterator[int]:
    """Open a folder in the store's, for the block; `create` makes it. Raises as `opened_root`."""
    made = create and look_up(root, name) is None and _make(root, name)
    fd = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=root)
    try:
        if made:
            _give_to_owner(fd, root)
        _refuse_writable(fd)
        yield fd
    finally:
        os.close(fd)


def _make(root: int, name: str) -> bool:
    try:
        os.mkdir(name, 0o700, dir_fd=root)
    except FileExistsError:  # another process was first
        return False
    return True


def sync_names(root: int, folder: int, synced: set[tuple[int, int]]) -> None:
    """Have the names in a folder of the store on the disk, and the folder's own: that one unless it
    is among those `synced`, by device and inode, where it is noted. Whoever made any of them may
    have been killed before it came to that. Raises OSError.
    """
    os.fsync(folder)
    status = os.fstat(folder)
    if (this := (status.st_dev, status.st_ino)) not in synced:
        os.fsync(root)
        synced.add(this)


@contextlib.contextmanager
def opened_if_there(root: int, name: str) -> Iterator[int | None]:
    """Open a folder in the store's, for the block; None where there is none, or a link: nothing in
    it is an item. Raises as `opened_root`: what others may write to may hold items all the same.
    """
    with contextlib.ExitStack() as stack:
        try:
            fd = stack.enter_context(opened(root, name))
        except (FileNotFoundError, NotADirectoryError):
            yield None
        else:
            yield fd


def _refuse_writable(fd: int) -> None:
    mode = os.fstat(fd).st_mode
    if mode & _OTHERS_WRITE:
        named = in_shell(Path(f"/proc/self/fd/{fd}").readlink())
        why = f"others may write to {named} (mode {stat.S_IMODE(mode):04o}); chmod go-w {named}"
        raise StoreError(NotKept.UNAVAILABLE, why)


def _give_to_owner(fd: int, folder: int) -> None:
    """Have what root makes belong to the store's owner, who could not use it; nothing that has a
    second name, by which it may be another's.
    """
    made = os.fstat(fd)
    if os.geteuid() == 0 and (stat.S_ISDIR(made.st_mode) or made.st_nlink == 1):
        owner = os.fstat(folder)
        os.fchown(fd, owner.st_uid, owner.st_gid)


def open_file(folder: int, name: str, flags: int = os.O_RDONLY) -> int:
    """Open a regular file. Raises OSError, also where it is another kind of file."""
    fd = os.open(name, flags | _FILE, 0o600, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(None, "it is no regular file")
        if flags & os.O_CREAT:
            _give_to_owner(fd, folder)
    except BaseException:
        os.close(fd)
        raise
    return fd


def read_file(folder: int, name: str, most: int) -> bytes:
    """Read a regular file of at most so many bytes. Raises OSError."""
    with os.fdopen(open_file(folder, name), "rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise OSError(None, "it is too large")
        return file.readall()


def digest_of(fd: int) -> str:
    """Digest an open file from its beginning: SHA-256 in hex. Raises OSError."""
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        return file_digest(file, sha256).hexdigest()


def write_file(folder: int, name: str, data: bytes) -> None:
    """Write a new file, which is on the disk once this returns. Raises OSError, and then it is not
    there.
    """
    fd = open_file(folder, name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(fd, left) :]
        os.fsync(fd)
    except BaseException:
        os.unlink(name, dir_fd=folder)
        raise
    finally:
        os.close(fd)


def rename(folder: int, old: str, new: str) -> None:
    """Rename a file, over one that has the name. Raises OSError."""
    os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)


def remove(folder: int, name: str) -> None:
    """Remove a file, if it is there. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def date_anew(folder: int, name: str, now: float) -> None:
    """Date a file, in seconds since 1970, where this process may. Raises OSError."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        os.utime(name, (now, now), dir_fd=folder, follow_symlinks=False)


def look_up(folder: int, name: str) -> os.stat_result | None:
    """Look at what has a name, without following it. Raises OSError."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def scan(folder: int, named: str) -> Iterator[tuple[FileName, os.stat_result]]:
    """List the regular files of the store in one of its folders. Raises OSError."""
    with os.scandir(folder) as found:
        for entry in found:
            name = parse_file_name(entry.name, named)
            if name is None:
                continue
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield name, status


def new_token() -> str:
    """Make what tells a file of this moment from any other."""
    return secrets.token_hex(8)
