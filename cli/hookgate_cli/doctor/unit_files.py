"""systemd's units as files, with what drop-ins change."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from hookgate.paths import is_file

GATE = "hookgate.service"
_SETTING = re.compile(r"[A-Z][A-Za-z]*")
# What a unit of the system writes for these folders (systemd.unit(5), specifiers).
_SPECIFIERS = {"%L": "/var/log", "%S": "/var/lib", "%t": "/run"}
_ROOTS = {"LogsDirectory": "/var/log", "StateDirectory": "/var/lib", "RuntimeDirectory": "/run"}


class Unit:
    """A unit: each setting's values, in order."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.values: dict[str, list[str]] = {}
        for line in text.splitlines():
            key, separator, value = line.partition("=")
            if separator and _SETTING.fullmatch(key):
                # An empty value takes back what was there.
                self.values[key] = [*self.values.get(key, []), value] if value else []

    def last(self, key: str) -> str:
        """Return a setting's last value, "" without one."""
        return (self.values.get(key) or [""])[-1]

    @property
    def command(self) -> list[str]:
        """The program that it starts, and its arguments; [] where that cannot be read."""
        try:
            return shlex.split(self.last("ExecStart"))
        except ValueError:
            return []

    @property
    def working_directory(self) -> Path:
        """From where relative paths count."""
        path = self.last("WorkingDirectory").removeprefix("-")
        for specifier, folder in _SPECIFIERS.items():
            path = path.replace(specifier, folder)
        return Path(path or "/")


def read_unit(folder: Path, name: str) -> Unit | None:
    """Read a unit of a folder, with its drop-ins; None where there is none. Raises OSError."""
    file = folder / name
    if not is_file(file):
        return None
    # A FIFO would be waited for.
    drop_ins = sorted(filter(is_file, (folder / f"{name}.d").glob("*.conf")))
    texts = (part.read_text(encoding="utf-8", errors="replace") for part in (file, *drop_ins))
    return Unit(name, "\n".join(texts))


def writable(unit: Unit) -> Iterator[Path]:
    """Yield the folders that a strict unit may write to."""
    for key, root in _ROOTS.items():
        for value in unit.values.get(key, ()):
            yield from (Path(root) / name for name in value.split())
    for value in unit.values.get("ReadWritePaths", ()):
        yield from (Path(path.lstrip("-+")) for path in value.split())
