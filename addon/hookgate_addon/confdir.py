"""mitmproxy's configuration folder, which holds its certificates too."""

import os
import stat
import tempfile
from pathlib import Path

from mitmproxy.options import CONF_DIR

from hookgate.paths import is_there


def fallback_confdir() -> str | None:
    """Return a folder for mitmproxy's `confdir`, or None where its default can be written.

    Raises OSError where no temporary folder can be written either.
    """
    usual = Path(os.path.expanduser(CONF_DIR))  # noqa: PTH111  # Path raises where there is no home
    if usual.is_absolute() and _is_writable(usual if is_there(usual) else usual.parent):
        return None
    # Always the same, so that restarts leave none behind; never one that somebody else made.
    own = Path(tempfile.gettempdir()) / f"hookgate-mitmproxy-{os.getuid()}"
    try:
        own.mkdir(mode=0o700)
    except FileExistsError:
        found = own.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            return tempfile.mkdtemp(prefix="hookgate-mitmproxy-")
    return str(own)


def _is_writable(folder: Path) -> bool:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
