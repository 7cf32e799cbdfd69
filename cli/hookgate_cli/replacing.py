"""Files that a verb writes anew each time: what somebody else wrote is not replaced."""

from collections.abc import Callable
from pathlib import Path

from hookgate.files import ForeignFileError, open_own

from .common import fail


def refuse_foreign(named: str, path: Path, is_own: Callable[[bytes], bool], what: str) -> None:
    """Exit with 2 where a file is there that is not `what` hookgate wrote before.

    `is_own` tells by its beginning, `named` is how the command line called it.
    """
    try:
        if (file := open_own(path, is_own, what)) is not None:
            file.close()
    except ForeignFileError as error:
        fail(f"{named} {error}; it would be overwritten: name another, or move it away")
