"""`hookgate fleet init`: the store's tables, and logins of gates."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hookgate.fleet.admin import VERSION, Admin, check_name, schema
from hookgate_cli.common import FAILED, err, fail, out
from hookgate_cli.terminal import printable, to_json

from .login import DsnOption, read_dsn, store_errors


def init(
    gate: Annotated[
        str | None,
        typer.Option(
            "--gate", metavar="NAME", help="Make a login for this gate, or a new password."
        ),
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option(
            "--reader",
            metavar="NAME",
            help="The same for somebody who asks the ledgers of all gates: it reads all tables.",
        ),
    ] = None,
    replayer: Annotated[
        str | None,
        typer.Option(
            "--replayer",
            metavar="NAME",
            help="The same for somebody who sends on what gates keep: it reads all tables.",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Where its DSN is written; else NAME.dsn."),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host", metavar="HOST", help="Where the gate finds the store, if elsewhere."
        ),
    ] = None,
    dsn_file: DsnOption = None,
    print_sql: Annotated[
        bool, typer.Option("--print", help="Print the SQL of the tables, and do nothing.")
    ] = False,
) -> None:
    """Make the tables of a fleet in a database of PostgreSQL 14 or newer, or bring them up to date.

    It logs in as an administrator, who may make roles. What is there stays.

    With --gate it also makes a login for a gate: it may add lines of that gate and nothing else.
    The gate's DSN, with a random password, is written to a file that only you can read; for
    fleet.dsn_file of that gate. Where the gate has one already, it gets a new password: the old one
    counts no more, and whoever is logged in with it is thrown out.

    Examples:

      hookgate fleet init --dsn-file admin.dsn

      hookgate fleet init --dsn-file admin.dsn --gate ams1 --host db.example.com

      hookgate fleet init --dsn-file admin.dsn --reader anna

      hookgate fleet init --dsn-file admin.dsn --replayer anna --to replay.dsn

      hookgate fleet init --print | less
    """
    if print_sql:
        sys.stdout.write(schema())
        return
    logins = {"gate": gate, "reader": reader, "replayer": replayer}
    given = {kind: login for kind, login in logins.items() if login is not None}
    if len(given) > 1:
        options = " and ".join(f"--{kind}" for kind in given)
        fail(f"{options} make a login each: give one at a time")
    kind, name = next(iter(given.items()), ("", None))
    if name is not None:
        try:
            check_name(name)
        except ValueError as error:
            fail(f"--{kind} {name} {error}")
    dsn = read_dsn(dsn_file)
    target = (to or Path(f"{name}.dsn")) if name is not None else None
    fd = _create(target) if target is not None else -1
    written = False
    try:
        with store_errors(dsn_file):
            admin = Admin.connect(dsn)
            try:
                before = admin.install()
                still_open = admin.still_open()
                made = _add(admin, kind, name) if name is not None else ""
            finally:
                admin.close()
        if target is not None:
            if host:
                named = {**conninfo_to_dict(made), "host": host}
                named.pop("hostaddr", None)
                made = make_conninfo("", **named)
            with os.fdopen(fd, "w", encoding="utf-8") as stream:
                stream.write(made + "\n")
            written = True
    finally:
        if target is not None and not written:
            target.unlink(missing_ok=True)
    done = "made" if not before else "there" if before == VERSION else f"brought on from {before}"
    out.print(f"The tables are {done}, version {VERSION}.")
    if still_open:
        err.print(
            f"hookgate: warning: a gate's login may make {' and '.join(still_open)} there, and so"
            " fill the disk; run hookgate fleet init once as a superuser, who can forbid it",
            soft_wrap=True,
        )
    if target is not None and name is not None:
        _tell(kind, name, target)
        _warn_of_loopback(made)


def _create(target: Path) -> int:
    try:
        return os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        fail(f"{target} is there already; name another file with --to, or move it away")
    except OSError as error:
        fail(f"{target} cannot be written: {error.strerror}", FAILED)


def _add(admin: Admin, kind: str, name: str) -> str:
    make = {"gate": admin.add_gate, "reader": admin.add_reader, "replayer": admin.add_replayer}
    return make[kind](name)


def _tell(kind: str, name: str, target: Path) -> None:
    file, path = printable(target), f"/etc/hookgate/{name}.dsn"
    if kind == "gate":
        out.print(f"{file} holds the login of gate {name}: bring it there, and in its")
        named = f"name = {to_json(name)}\ndsn_file = {to_json(path)}"
        out.print(f"hookgate.toml, below [fleet]:\n{named}")
        return
    verbs = {"reader": "audit", "replayer": "quarantine list and replay"}
    out.print(
        f"{file} holds the login of {name}, for hookgate {verbs[kind]} --fleet --dsn-file",
        soft_wrap=True,
    )


def _warn_of_loopback(made: str) -> None:
    where = str(conninfo_to_dict(made).get("host") or "")
    if not where or where.startswith(("/", "@")) or where in ("localhost", "127.0.0.1", "::1"):
        err.print(
            "hookgate: warning: that file names this machine, so another does not find the"
            " store; --host says where it does",
            soft_wrap=True,
        )
