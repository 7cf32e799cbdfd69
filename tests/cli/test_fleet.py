"""`hookgate fleet` and `hookgate ship`, against a real server."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.calling import Call
from support.fleet import Chain, Fleet, new_fleet
from support.postgres import PASSWORD
from support.raw import wait_until
from support.sidecar import HOOKGATE

GOOD = "host=127.0.0.1 port={port} user=postgres password=" + PASSWORD


@pytest.fixture
def fleet(tmp_path: Path, call: Call) -> Iterator[Fleet]:
    """One whose administrator has admin.dsn."""
    with new_fleet() as made:
        _secret(tmp_path / "admin.dsn", made.dsn)
        yield made


def _secret(file: Path, text: str) -> None:
    file.write_text(text + "\n")
    file.chmod(0o600)


def _configure(call: Call, name: str = "amsterdam-1") -> None:
    done = call("fleet", "init", "--dsn-file", "admin.dsn", "--gate", name)
    assert done.status == 0, done.err
    _write_toml(name)


def _write_toml(name: str) -> None:
    fleet = f'[fleet]\nname = "{name}"\ndsn_file = "{name}.dsn"\n'
    Path("hookgate.toml").write_text(f'[audit]\npath = "audit.jsonl"\n{fleet}')


def test_from_nothing_to_a_gate_that_ships(call: Call, fleet: Fleet) -> None:
    """Tables, a login, lines, what there is, and what is deleted; no secret is printed."""
    fleet.sql("DROP SCHEMA hookgate CASCADE")
    first = call("fleet", "init", "--dsn-file", "admin.dsn")
    assert (first.status, first.out) == (0, "The tables are made, version 5.\n")
    again = call("fleet", "init", "--dsn-file", "admin.dsn")
    assert (again.status, again.out) == (0, "The tables are there, version 5.\n")
    made = call("fleet", "init", "--dsn-file", "admin.dsn", "--gate", "amsterdam-1")
    dsn = Path("amsterdam-1.dsn")
    assert stat.S_IMODE(dsn.stat().st_mode) == 0o600
    password = dsn.read_text().split("password=")[1].split()[0]
    assert len(password) >= 40
    assert 'name = "amsterdam-1"' in made.out
    assert "--host says where" in made.err
    _write_toml("amsterdam-1")
    chain = Chain(Path("audit.jsonl"), "b1")
    chain.add(20)
    chain.stop()
    shipped = call("ship", "--once")
    assert (shipped.status, shipped.out) == (0, "shipped: 21 lines\n"), shipped.err
    assert fleet.bytes_of("b1", "amsterdam-1") == Path("audit.jsonl").read_bytes()
    waited = call("ship", "--wait", "--timeout", "20s")
    assert (waited.status, waited.out + waited.err) == (0, "")
    fine = call("fleet", "status", "--dsn-file", "admin.dsn")
    assert fine.status == 0
    assert "amsterdam-1" in fine.out
    table = call("fleet", "status", "--dsn-file", "admin.dsn", "--json").json
    assert [(row["gate"], row["boots"], row["findings"]) for row in table] == [
        ("amsterdam-1", 1, [])
    ]
    kept = call("fleet", "expire", "--older", "1d", "--dsn-file", "admin.dsn")
    assert (kept.status, kept.out.split()[:2]) == (0, ["nothing", "was"])
    for done in (first, again, made, shipped, fine):
        assert password not in done.out + done.err
        assert PASSWORD not in done.out + done.err


def test_the_environment_says_where_the_store_is(
    call: Call, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpq's variables, as psql reads them."""
    names = {"PGHOST": "127.0.0.1", "PGPORT": str(fleet.server.port), "PGUSER": "postgres",
             "PGPASSWORD": PASSWORD, "PGDATABASE": fleet.dbname}  # fmt: skip
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert call("fleet", "init").out == "The tables are there, version 5.\n"
    assert call("fleet", "status").status == 0


def test_a_new_password_ends_the_old_one(call: Call, fleet: Fleet) -> None:
    """And whoever is logged in with it; a file that is there is not overwritten."""
    _configure(call)
    old = Path("amsterdam-1.dsn").read_text()
    held = call("fleet", "init", "--dsn-file", "admin.dsn", "--gate", "amsterdam-1")
    assert (held.status, "is there already" in held.err) == (2, True)
    Chain(Path("audit.jsonl")).add(3)
    assert call("ship", "--once").status == 0
    host = ("--host", "localhost", "--to", "new")
    done = call("fleet", "init", "--dsn-file", "admin.dsn", "--gate", "amsterdam-1", *host)
    assert done.status == 0, done.err
    assert "host=localhost" in Path("new").read_text()
    refused = call("ship", "--once")
    assert refused.status == 1
    assert "the store refuses the password" in refused.err
    assert old.strip() not in refused.err
    Path("new").replace("amsterdam-1.dsn")
    assert call("ship", "--once").status == 0


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("host=127.0.0.1 port=1 user=x password=s3cret", "nothing listens there"),
        ("host=127.0.0.1 port={port} user=postgres password=s3cret", "refuses the password"),
        ("host=127.0.0.1 port={port} user=postgres", "wants a password"),
        ("host=nowhere.invalid password=s3cret", "the name of its host is not known here"),
        ("host=nowhere..invalid password=s3cret", "the name of its host cannot be one"),
        ("s3cret", "the DSN cannot be read"),
        ("postgresql://x:s3cret@127.0.0.1:1/x?nonsense=1", "the DSN cannot be read"),
        ("{good} dbname=none", "no such login or"),
        ("{good} dbname=template1", "holds no fleet"),
        ("{good} sslmode=require", "TLS"),
        ("", "is empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_store_is_told_without_its_dsn(
    call: Call, fleet: Fleet, dsn: str, said: str
) -> None:
    """In one line, with where to look."""
    text = dsn.format(port=fleet.server.port, good=GOOD.format(port=fleet.server.port))
    _secret(Path("other.dsn"), text)
    done = call("fleet", "status", "--dsn-file", "other.dsn")
    assert done.status in (1, 2)
    (line,) = done.err.splitlines()
    assert said in line
    assert "other.dsn" in line
    for secret in ("s3cret", PASSWORD, "nowhere", "127.0.0.1", "postgres "):
        assert secret not in line


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('[audit]\npath = "-"\n[fleet]\nname = "a"\ndsn_file = "a"\n', 'audit.path is "-"'),
        ('[fleet]\ndsn_file = "a"\n', "fleet.name is missing"),
        ('[fleet]\nname = "a"\n', "fleet.dsn_file is missing"),
        ('[fleet]\nname = "a"\ndsn_file = "nowhere"\n', "nowhere"),
        ('[fleet]\nname = 1\ndsn_file = "a"\n', "fleet.name"),
    ],
)
def test_ship_says_what_its_configuration_lacks(call: Call, toml: str, said: str) -> None:
    Path("hookgate.toml").write_text(toml)
    done = call("ship", "--once")
    assert done.status == 2
    assert said in done.err


def test_a_login_of_another_gate_ships_nothing(call: Call, fleet: Fleet) -> None:
    """A copied hookgate.toml must not make one gate of two."""
    _configure(call)
    text = Path("hookgate.toml").read_text()
    Path("hookgate.toml").write_text(text.replace('name = "amsterdam-1"', 'name = "utrecht"'))
    Chain(Path("audit.jsonl")).add(3)
    done = call("ship", "--once")
    assert done.status == 1
    assert "its login is that of gate amsterdam-1, and fleet.name is utrecht" in done.err
    assert fleet.sql("SELECT count(*) FROM hookgate.segment") == [(0,)]


@pytest.mark.parametrize("name", ["", "A", "a/b", "a'b", "-a", "a-", "a" * 49, "a b", "ä"])
def test_what_cannot_be_a_gates_name(call: Call, fleet: Fleet, name: str) -> None:
    done = call("fleet", "init", "--dsn-file", "admin.dsn", f"--gate={name}")
    assert (done.status, "is no name for a gate" in done.err) == (2, True)


def test_wait_waits_for_what_is_not_shipped(call: Call, fleet: Fleet) -> None:
    """It ships nothing by itself, and fails when the time is up, which stops logrotate."""
    _configure(call)
    chain = Chain(Path("audit.jsonl"))
    chain.add(3)
    late = call("ship", "--wait", "--timeout", "300ms")
    assert (late.status, "3 lines not shipped yet" in late.err) == (1, True)
    assert fleet.sql("SELECT count(*) FROM hookgate.segment") == [(0,)]
    assert call("ship", "--once").status == 0
    assert call("ship", "--wait", "--timeout", "20s").status == 0


def test_findings_are_told_and_are_the_exit_status(call: Call, fleet: Fleet) -> None:
    """A crash, lines that are gone, a tail that was cut, a gate that never came."""
    _configure(call)
    ledger = Path("audit.jsonl")
    one = Chain(ledger, "b1")
    one.add(5)
    Chain(ledger, "b2", follows=f"b1:5:{one.prev}").add(4)
    assert call("ship", "--once").status == 0
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:-1]))
    three = Chain(ledger, "b3", follows="b2:4:x")
    three.add(2)
    three.lines(3)
    three.add(1)
    fleet.gate("utrecht")
    assert call("ship", "--once").status == 0
    done = call("fleet", "status", "--dsn-file", "admin.dsn")
    assert done.status == 1
    for text in (
        "amsterdam-1: no_stop: boot b1 ended after line 5 without a stop",
        "amsterdam-1: cut: lines 4 to 4 of boot b2 are gone on the gate",
        "amsterdam-1: lost: lines 3 to 5 of boot b3 were gone before they were sent",
        "utrecht: silent: its shipper was never heard of",
    ):
        assert text in done.out
    assert call("fleet", "status", "--since", "soon").err.startswith('hookgate: "soon" is no time')
    assert call("fleet", "status", "--dsn-file", "admin.dsn", "--since", "2w").status == 1
    later = call("fleet", "status", "--dsn-file", "admin.dsn", "--since", "1s", "--json")
    assert later.status == 1


@pytest.mark.soak
def test_ship_runs_over_an_outage_and_ends_when_told(call: Call, fleet: Fleet) -> None:
    """It says once that the store is away and why, and when it is back; SIGTERM sends the rest."""
    _configure(call)
    ledger, dsn = Path("audit.jsonl"), Path("amsterdam-1.dsn")
    chain = Chain(ledger)
    chain.add(3)
    with fleet.through_proxy() as (proxy, _):
        text = dsn.read_text()
        dsn.write_text(text.replace(f"port={fleet.server.port}", f"port={proxy.port}"))
        with Path("log").open("w") as log:
            process = subprocess.Popen([HOOKGATE, "ship"], stderr=log, env=os.environ)
        try:
            assert wait_until(lambda: _lines_of(fleet) == 3)
            proxy.refuses = True
            proxy.break_off()
            chain.add(4)
            assert wait_until(lambda: "ship.away" in Path("log").read_text())
            proxy.refuses = False
            assert wait_until(lambda: _lines_of(fleet) == 7)
            assert wait_until(lambda: "ship.back" in Path("log").read_text())
            chain.add(2)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
    assert fleet.bytes_of("b1", "amsterdam-1") == ledger.read_bytes()
    events = [json.loads(line)["event"] for line in Path("log").read_text().splitlines()]
    assert events == ["ship.started", "ship.away", "ship.back", "ship.stopped"]


def _lines_of(fleet: Fleet) -> int:
    return int(fleet.sql("SELECT coalesce(sum(lines), 0) FROM hookgate.segment")[0][0])


@pytest.mark.soak
def test_a_stop_does_not_wait_for_a_store_that_hangs(call: Call, fleet: Fleet) -> None:
    """What is not sent stays in the ledger; the status is that of a good stop."""
    _configure(call)
    dsn = Path("amsterdam-1.dsn")
    Chain(Path("audit.jsonl")).add(3)
    with fleet.through_proxy() as (proxy, _):
        proxy.delay = 60
        text = dsn.read_text().strip()
        dsn.write_text(text.replace(f"port={fleet.server.port}", f"port={proxy.port}"))
        with Path("log").open("w") as log:
            process = subprocess.Popen([HOOKGATE, "ship"], stderr=log, env=os.environ)
        try:
            assert wait_until(lambda: "ship.started" in Path("log").read_text())
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()


def test_print_shows_the_sql_and_does_nothing(call: Call) -> None:
    shown = call("fleet", "init", "--print")
    assert shown.status == 0
    assert "CREATE TABLE hookgate.segment" in shown.out


def test_the_gate_loads_nothing_of_it() -> None:
    """Neither a client of PostgreSQL nor anything of the fleet is in the process that serves."""
    probe = (
        "import sys, hookgate_cli.plain_serve, hookgate_cli.serving\n"
        "print([name for name in sys.modules if 'psycopg' in name or '.fleet.' in name])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
