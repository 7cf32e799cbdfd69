"""nginx with the rendered includes as a real process."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from hookgate.config.build import load
from hookgate.nginx import render
from hookgate.settings import Config

from .ledger import Record, read_ledger
from .ports import free_ports
from .raw import wait_until
from .sidecar import ALLOWED, PROXY

# What a site of a distribution would have around the server; everything stays in one folder.
_MAIN = """
{user}
pid nginx.pid;
error_log error.log info;
events {{
}}
http {{
    variables_hash_max_size 2048;
    access_log off;
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
{http}
}}
"""


def binary() -> str:
    """Where nginx is; without one nothing here may pass."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    assert found, "nginx is not installed; `make test` installs it, or: apt-get install nginx-light"
    return found


def version() -> tuple[int, ...]:
    """Of the nginx that is installed."""
    told = subprocess.run([binary(), "-v"], capture_output=True, text=True, check=True).stderr
    return tuple(int(part) for part in told.partition("nginx/")[2].split()[0].split("."))


def settings(upstream: str, folder: Path, **keys: str) -> Config:
    """A configuration as the processes would load it, for the addresses of `support.sidecar`."""
    given = {
        "upstream.url": upstream,
        "source.allow": f"{ALLOWED},cm.com",
        "source.trusted_proxies": PROXY,
        **keys,
    }
    file = folder / "hookgate.toml"
    with contextlib.chdir(folder):
        return load(str(file) if file.exists() else os.devnull, given, {})


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Put the texts into the folder."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def main(http: str) -> str:
    """A whole nginx.conf around the text of its `http` block."""
    return _MAIN.format(user="user root;" if os.geteuid() == 0 else "", http=http)


class Nginx:
    """A running nginx in `folder`, whose nginx.conf has `http` in its `http` block.

    It has started when it accepts on `port`, where it has one. `audit` is where the includes that
    `includes()` renders write. `prefix` is what the command is run by, a namespace for example.
    """

    def __init__(
        self, folder: Path, http: str, port: int = 0, prefix: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder
        self.port = port
        self.audit = folder / "audit.jsonl"
        (folder / "nginx.conf").write_text(main(http), encoding="utf-8")
        self.process = subprocess.Popen(
            [*prefix, *command(folder), "-g", "daemon off;"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        started = wait_until(lambda: self._accepts() or self.process.poll() is not None, 60)
        if not started or self.process.poll() is not None:
            self.process.kill()
            raise AssertionError(f"nginx does not start: {self._complaint()}\n{self.log}")

    def _accepts(self) -> bool:
        if not (self.folder / "nginx.pid").exists():
            return False
        if not self.port:
            return True
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _complaint(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read().decode(errors="replace")

    @property
    def log(self) -> str:
        """The error log so far."""
        file = self.folder / "error.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def records(self, kind: str | None = None) -> list[Record]:
        """The records of the access log."""
        return [r for r in read_ledger(self.audit, growing=True) if kind in (None, r["event"])]

    def wait_for_deliveries(self, count: int, seconds: float = 30) -> list[Record]:
        """The records once there are `count`; nginx writes them after it has answered."""
        wait_until(lambda: len(self.records()) >= count, seconds)
        found = self.records()
        assert len(found) == count, f"{len(found)} records, not {count}: {found}\n{self.log}"
        return found

    def signal(self, number: int) -> None:
        """Send a signal to the master process."""
        self.process.send_signal(number)

    def stop(self, seconds: float = 10) -> int:
        """SIGQUIT, wait, and the exit status; fails on anything that should not be in the log."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            raise
        complaint = self._complaint() if not self.process.stderr.closed else ""  # type: ignore[union-attr]  # a pipe
        self.process.stderr.close()  # type: ignore[union-attr]  # a pipe
        for word in ("[emerg]", "[alert]", "[crit]", "[warn] could not build"):
            assert word not in self.log + complaint, self.log + complaint
        return status


def command(folder: Path) -> list[str]:
    """nginx on the folder's nginx.conf."""
    return [binary(), "-p", str(folder), "-e", "error.log", "-c", str(folder / "nginx.conf")]


def check(folder: Path, http: str) -> tuple[int, str]:
    """`nginx -t` with this text in the `http` block: the exit status, and what it said."""
    (folder / "nginx.conf").write_text(main(http), encoding="utf-8")
    done = subprocess.run([*command(folder), "-t", "-q"], capture_output=True, text=True)
    return done.returncode, done.stderr


def includes(config: Config, folder: Path) -> dict[str, str]:
    """The rendered files, whose records go into the folder."""
    return render(config, str(folder / "audit.jsonl"))


def site(server: str, http: str = "include hookgate-http.conf;") -> str:
    """The text of an `http` block with one server."""
    return f"{http}\nserver {{\n{server}\n}}\n"


FULL = "include hookgate-realip.conf;\ninclude hookgate-location.conf;"


@contextlib.contextmanager
def running(
    folder: Path, http: str, port: int = 0, prefix: tuple[str, ...] = ()
) -> Iterator[Nginx]:
    """nginx with an `http` block of one's own."""
    process = Nginx(folder, http, port, prefix)
    try:
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def nginx(upstream: str, folder: Path, **keys: str) -> Iterator[Nginx]:
    """nginx as the whole front: every include, as the keys render them."""
    (port,) = free_ports(1)
    write(folder, includes(settings(upstream, folder, **keys), folder))
    with running(folder, site(f"listen 127.0.0.1:{port} default_server;\n{FULL}"), port) as process:
        yield process
