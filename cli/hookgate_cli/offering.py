"""What the present command was given, for the commands that it offers."""

import os
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path

from hookgate.config.layers import find_file, gather
from hookgate.config.whole_paths import whole_paths
from hookgate.files import whole_path
from hookgate.offering import Place
from hookgate.paths import is_file, is_folder

# Where units of the system are (systemd.unit(5)), and what is there while it runs (sd_booted(3)).
_FOLDERS = [Path(root, "systemd/system") for root in ("/etc", "/run", "/usr/local/lib", "/usr/lib")]
_RUNNING = Path("/run/systemd/system")
_UNITS = ("hookgate", "hookgate-ship")

_config: ContextVar[str | None] = ContextVar("config", default=None)
_ledgers: ContextVar[tuple[str, ...]] = ContextVar("ledgers", default=())
_seal_keys: ContextVar[tuple[str, ...]] = ContextVar("seal_keys", default=())


def note_config(file: str | None) -> str | None:
    """Note which configuration was named, as the callback of its option."""
    _config.set(file)
    return file


def note_ledgers(files: list[Path] | None) -> list[Path] | None:
    """Note which ledgers were named, as the callback of their option."""
    _ledgers.set(tuple(str(file) for file in files or () if str(file) != "-"))
    return files


def note_seal_keys(files: list[Path] | None) -> list[Path] | None:
    """Note which seal keys were named, as the callback of their option."""
    _seal_keys.set(tuple(map(str, files or ())))
    return files


def offered(text: str) -> str:
    """Have the commands in a text of ours go by what this command was given."""
    file = _config.get()
    place = Place(whole_path(file) if file else "", _ledgers.get(), _seal_keys.get())
    return place.fit(text)


def place_of(config: str | None) -> Place:
    """Find the place of the gate of a configuration, for texts that are read elsewhere."""
    file = find_file(config, os.environ)
    folder = whole_path("") if whole_paths(gather(config)) else ""
    units = frozenset(_find_units())
    return Place(whole_path(file) if file else "", folder=folder, units=units)


def runs_systemd() -> bool:
    """Tell whether systemd runs this machine, as far as it can be seen."""
    try:
        return is_folder(_RUNNING)
    except OSError:
        return False


def _find_units() -> list[str]:
    if not runs_systemd():
        return []
    found: set[str] = set()
    for folder in _FOLDERS:
        with suppress(OSError):
            found.update(name for name in _UNITS if is_file(folder / f"{name}.service"))
    return sorted(found)
