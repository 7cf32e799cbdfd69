"""Whether there are folders for what is written: the ledger, and what `hookgate watch` knows.

The gate and the watcher find that out when they start; `config check` says it before.
"""

from pathlib import Path

from hookgate.paths import is_folder, is_there

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
    folder = path.parent
    try:
        if is_folder(path):
            return "is a folder; name a file in it"
        if is_folder(folder) or folder in _MADE:
            return ""
        if is_there(folder):
            return f"cannot be written: {folder} is no folder"
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    return f"cannot be written: there is no folder {folder}; make it, or name another"
