"""What is looked at: a configuration, the user that the gate runs as, and the ledger's end."""

import os
import pwd
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import Any

from hookgate.config.layers import Sources
from hookgate.ledger.names import is_part
from hookgate.ledger.reading.following import read_backwards
from hookgate.ledger.reading.parsing import parse
from hookgate.settings import Config

# Of each file of the ledger, from its end.
_MOST_LINES = 5_000
_MOST_FILES = 64


@dataclass(frozen=True)
class Scene:
    """Hold what the checks go by. `config` is None where it cannot be used, for `problems`.

    `file` is hookgate.toml, None without one. `user` is whom the gate runs as. `units` and `nginx`
    are folders: of systemd's units, and of the includes that are deployed, if there is one.
    """

    file: str | None
    sources: Sources
    config: Config | None
    problems: tuple[str, ...]
    user: pwd.struct_passwd
    units: Path
    nginx: Path | None
    command: str = "hookgate"

    @property
    def settings(self) -> Config:
        """The configuration, for checks that need one."""
        assert self.config is not None  # noqa: S101  # such a check is not run without it
        return self.config

    @property
    def named_file(self) -> str:
        """The file where a key is to be written."""
        return self.file or "hookgate.toml"

    @property
    def option(self) -> str:
        """How a command is told of the configuration."""
        return f" --config {quote(self.file)}" if self.file else ""

    @property
    def ledger(self) -> Path | None:
        """Where the ledger is; None where it is standard output."""
        path = self.settings.audit.path
        return None if path == "-" else Path(path).absolute()

    @cached_property
    def ledgers(self) -> list[Path]:
        """The files of the ledger that are written to. Raises OSError."""
        path = self.ledger
        if path is None or not path.parent.is_dir():
            return []
        found = sorted(file for file in path.parent.iterdir() if is_part(file.name, path))
        return found[:_MOST_FILES]

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The latest records, of each file the newest first. Raises OSError."""
        lines = (
            line for file in self.ledgers for line in islice(read_backwards(file), _MOST_LINES)
        )
        return [record for line in lines if (record := parse(line)) is not None]


def find_user(name: str | None, unit: Path) -> pwd.struct_passwd | None:
    """Find whom the gate runs as: the one named, that of its unit, or whoever asks.

    None where there is no such user.
    """
    if name is None:
        name = _user_of(unit)
    try:
        if name is None:
            return pwd.getpwuid(os.geteuid())
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _user_of(unit: Path) -> str | None:
    try:
        lines = unit.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    named = [line.removeprefix("User=").strip() for line in lines if line.startswith("User=")]
    return named[-1] if named else None
