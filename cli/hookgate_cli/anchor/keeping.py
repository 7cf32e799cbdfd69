"""The folder that `hookgate anchor` keeps, for one run at a time, and the key to sign with."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hookgate.config.key_files import read_private
from hookgate.files import FileError, MissingFileError
from hookgate.proof.note import NoteError, Signer
from hookgate.times import show_time
from hookgate.wording import path_in_shell
from hookgate_cli.audit.wording import count_of
from hookgate_cli.common import FAILED, err, fail
from hookgate_cli.terminal import printable


@contextmanager
def kept_folder(path: Path) -> Iterator[Path]:
    """Make the folder where it is not there, and keep other runs out of it.

    Exits with 2 where it cannot be used, with 1 where another run has it.
    """
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.stat()
        if status.st_mode & 0o022:
            mend = f"chmod go-w {path_in_shell(path)}"
            fail(f"--folder {path} can be written by others than its owner; {mend}")
        lock = os.open(path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        fail(f"--folder {path} cannot be used: {error.strerror}")
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(f"--folder {path} is used by another hookgate anchor at this moment", FAILED)
        except OSError as error:
            fail(f"--folder {path} cannot be locked: {error.strerror}; name one on a local disk")
        yield path
    finally:
        os.close(lock)


def tell_ahead(now: int, ahead: int) -> None:
    """Say that nothing was removed, as the clock is so many seconds ahead of what is believed."""
    text = (
        f"--keep: by the clock it is {show_time(now, 'seconds', utc=True)}, and by what the runs"
        f" before saw {count_of(ahead // 86_400 + 1, 'day')} less at least: nothing is removed"
    )
    err.print(text, soft_wrap=True)


def read_signer(path: Path) -> Signer:
    """Read the private key. Exits with 2, and a mend, where that is none."""
    made = path_in_shell(path)
    mend = f"make one with: hookgate keys new anchor {made} --name gate1.example.com/hookgate"
    if not path.is_absolute():  # a timer runs in another folder, where a new key is another one
        mend = f"name it by its whole path; or, if there is none yet, {mend}"
    try:
        data, warning = read_private(str(path))
        signer = Signer.parse(data.decode(errors="replace"))
    except FileError as error:
        fail(f"--key {path} {error}{f'; {mend}' if isinstance(error, MissingFileError) else ''}")
    except NoteError as error:
        fail(f"--key {path} holds {error}; name the file that hookgate keys new anchor wrote")
    if warning:
        err.print(printable(f"hookgate: warning: --key {path} {warning}"), soft_wrap=True)
    return signer
