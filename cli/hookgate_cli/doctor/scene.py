"""What is looked at: a configuration, the user that the gate runs as, and the ledger's end."""

import os
import pwd
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from hookgate.config.layers import Sources
from hookgate.ledger.names import is_part
from hookgate.ledger.reading.following import read_backwards
from hookgate.ledger.reading.parsing import parse
from hookgate.paths import is_file, is_folder
from hookgate.settings import Config
from hookgate.wording import in_shell

from .listening import Listening
from .unit_files import Unit

# Of each file of the ledger, from its end.
_MOST_LINES = 5_000
_MOST_FILES = 64


@dataclass(frozen=True)
class Scene:
    """Hold what the checks go by. `config` is None where it cannot be used, for `problems`.

    `file` is hookgate.toml, None without one. `user` is whom the gate runs as, and `unit` its unit:
    the one that is installed in the folder `units`, or the one beside the configuration. `nginx` is
    the folder of the includes that are deployed. `has_systemd` says that it runs this machine.
    """

    file: str | None
    sources: Sources
    config: Config | None
    problems: tuple[str, ...]
    user: pwd.struct_passwd
    units: Path
    unit: Unit | None
    nginx: Path | None
    command: str = "hookgate"
    has_systemd: bool = False
    listening: Listening = field(default_factory=Listening)

    @property
    def settings(self) -> Config:
        """The configuration, for checks that need one."""
        assert self.config is not None  # noqa: S101  # such a check is not run without it
        return self.config

    @property
    def beside(self) -> Path:
        """The folder of the configuration."""
        return Path(self.file).parent if self.file else Path.cwd()

    @property
    def named_file(self) -> str:
        """The file where a key is to be written."""
        return self.file or "hookgate.toml"

    def has_unit(self, name: str) -> bool:
        """Tell whether systemd has this unit here."""
        return self.has_systemd and is_file(self.units / name)

    def text(self, key: str) -> str:
        """Return what was given for a key that holds a text; "" for what is none."""
        value = self.sources.keys[key].value
        return value if isinstance(value, str) else ""

    @property
    def option(self) -> str:
        """How a command is told of the configuration."""
        return f" --config {in_shell(self.file)}" if self.file else ""

    @property
    def ledger(self) -> Path | None:
        """Where the ledger is; None where it is standard output."""
        path = self.settings.audit.path
        return None if path == "-" else Path(path).absolute()

    @property
    def is_nginx(self) -> bool:
        """Whether nginx is the front, by its includes or by the ledger's end. Raises OSError."""
        return self.nginx is not None or any(r.get("front") == "nginx" for r in self.records[:1])

    @cached_property
    def ledgers(self) -> list[Path]:
        """The files of the ledger that are written to. Raises OSError."""
        path = self.ledger
        if path is None or not is_folder(path.parent):
            return []
        found = sorted(file for file in path.parent.iterdir() if is_part(file.name, path))
        # A folder in the place of one is told by who looks at permissions; a pipe is read by none.
        return [file for file in found if is_file(file)][:_MOST_FILES]

    @cached_property
    def latest(self) -> list[list[dict[str, Any]]]:
        """The latest records of each file, the newest first. Raises OSError."""
        return [
            [
                r
                for line in islice(read_backwards(file), _MOST_LINES)
                if (r := parse(line)) is not None
            ]
            for file in self.ledgers
        ]

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The latest records, of each file the newest first. Raises OSError."""
        return [record for records in self.latest for record in records]


def find_user(name: str) -> pwd.struct_passwd | None:
    """Find a user by name; None where there is no such user."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def caller() -> pwd.struct_passwd:
    """Return whoever asks; in a container that user may have no name."""
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return pwd.struct_passwd((str(uid), "x", uid, os.getegid(), "", "/", ""))
