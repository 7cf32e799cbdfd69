"""Whether there are folders for what is written: the ledger, and what `hookgate watch` knows.

The gate and the watcher find that out when they start; `config check` says it before.
"""

from pathlib import Path
from stat import S_ISDIR

from .layers import Sources
from .redaction import shown_path

# What the shipped units make: LogsDirectory=, StateDirectory=.
_MADE = (Path("/var/log/hookgate"), Path("/var/lib/hookgate"), Path("/var/lib/hookgate-watch"))
_KEYS = ("audit.path", "alarm.state")


def check_folders(sources: Sources) -> list[str]:
    """Return a line for each of these files that cannot be written, since its folder is not there.

    That this process may write there is not looked at: the gate runs as another user, as a rule.
    """
    problems = []
    for key in _KEYS:
        value, origin = sources.keys[key]
        if not isinstance(value, str) or value in ("", "-"):
            continue
        why = _fault(Path(value).absolute())
        if why:
            where = "" if origin == "default" else f"{origin}: "
            problems.append(f"{where}{key} = {shown_path(value)} {why}")
    return problems


def _fault(path: Path) -> str:
    try:
        if S_ISDIR(_mode(path)):
            return "is a folder; name a file in it"
        folder = path.parent
        mode = _mode(folder)
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    if S_ISDIR(mode) or folder in _MADE:
        return ""
    if mode:
        return f"cannot be written: {folder} is no folder"
    return f"cannot be written: there is no folder {folder}; make it, or name another"


def _mode(path: Path) -> int:
    """Return the mode of what is there, 0 for nothing. Raises OSError, on Python 3.14 too, where
    `Path.is_dir` says False.
    """
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return 0
