"""What the doctor finds of the machine: units, includes, ports, the endpoint, the clock."""

import os
import re
import resource
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
import trustme

from hookgate.ledger.shipping import Shipping, write_shipping
from hookgate.networks.ranges import SHIPPED
from hookgate.times import show_time
from hookgate_cli.doctor.check import BlindError, Check, Finding
from hookgate_cli.doctor.running import run
from hookgate_cli.doctor.scene import Scene
from hookgate_cli.doctor.table import CHECKS
from support.calling import Call
from support.doctor import SetUp, set_clock
from support.kept import PUBLIC
from support.lines import start, write
from support.ports import free_ports
from support.receiver import Receiver, receiving
from support.sidecar import HOOKGATE

DEPLOY = Path(__file__).parents[3] / "sidecar/deploy"
UNIT = (DEPLOY / "hookgate.service").read_text()


def install(setup: SetUp, **changed: str) -> None:
    """Install the gate's unit for this set-up, with other values of some settings."""
    text = re.sub(r"ExecStart=.*", f"ExecStart={HOOKGATE} serve --config {setup.file}", UNIT)
    given = {"User": "root", "PrivateTmp": "no", "ProtectHome": "no"} | changed
    for key, value in given.items():
        text = re.sub(rf"^{key}=.*$", f"{key}={value}", text, flags=re.MULTILINE)
    text = text.replace("WorkingDirectory", f"ReadWritePaths={setup.folder}\nWorkingDirectory")
    (setup.units / "hookgate.service").write_text(text)


# What every unit of these tests has in another way than the shipped one, which is told as well.
DIFFERENT = "is not as this version ships it"


def of_units(setup: SetUp) -> list[str]:
    """What is found of the units, but that these tests' unit is another."""
    return [f["says"] for f in setup.look() if f["check"] == "units" and DIFFERENT not in f["says"]]


def test_a_unit_as_it_is_shipped_has_nothing_wrong(setup: SetUp) -> None:
    """But for its program and its user, which are not here."""
    (setup.units / "hookgate.service").write_text(UNIT.replace("User=hookgate", "User=root"))
    said = of_units(setup)
    assert "is no program here" in said[0]
    assert "may not write" in said[1]
    install(setup)
    assert of_units(setup) == []
    differs = next(found for found in setup.look() if DIFFERENT in found["says"])
    assert "PrivateTmp" in differs["says"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"User": "hookgate-nobody-has"}, "there is no such user"),
        ({"PrivateTmp": "yes"}, "cannot see"),
        ({"LimitNOFILE": "512"}, "LimitNOFILE=512"),
    ],
)
def test_a_unit_that_cannot_start_or_bounds_too_much(
    changed: dict[str, str], told: str, setup: SetUp
) -> None:
    install(setup, **changed)
    (found,) = of_units(setup)
    assert told in found


def test_a_unit_whose_python_is_in_a_home(setup: SetUp) -> None:
    """Where a venv was made of one that is there: its link leads where the unit cannot see."""
    program = setup.folder / "bin/hookgate"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    program.with_name("python").symlink_to("/root/python/bin/python3")
    install(setup, ProtectHome="yes")
    unit = setup.units / "hookgate.service"
    unit.write_text(unit.read_text().replace(HOOKGATE, str(program)))
    (found,) = of_units(setup)
    assert "cannot see /root/python/bin/python3" in found


def test_a_set_up_that_is_planned_goes_by_the_unit_beside_it(setup: SetUp) -> None:
    """That unit will make the folder of the ledger, and is to be installed: how is said."""
    text = setup.file.read_text().replace(str(setup.folder), "/var/log/hookgate-nobody-has")
    setup.file.write_text(text)
    assert setup.one("ledger")["commands"]
    install(setup)
    unit = (setup.units / "hookgate.service").rename(setup.folder / "hookgate.service")
    unit.write_text(unit.read_text().replace("=hookgate\n", "=hookgate-nobody-has\n"))
    found = setup.one("units")
    assert "/var/log/hookgate-nobody-has" in found["says"]
    assert (found["severity"], "by hand" in found["says"]) == ("wrong", True)
    subprocess.run(["sh", "-c", found["commands"][0]], check=True)
    assert [f for f in setup.look() if "not installed" in f["says"]] == []
    (setup.units / "hookgate.service").unlink()
    setup.write()
    found = setup.one("units")
    assert (found["severity"], "by hand" in found["says"]) == ("look", False)
    unit.write_text(unit.read_text().replace("User=root", "User=hookgate-nobody-has"))
    assert ["useradd" in f["commands"][0] for f in setup.look()] == [True, False]


def test_a_unit_that_may_not_write_where_it_is_to(setup: SetUp, tmp_path: Path) -> None:
    """The line that it offers, in a drop-in, mends it."""
    install(setup)
    setup.file.write_text(
        setup.file.read_text().replace(f"{setup.folder}/audit", f"{tmp_path}/audit")
    )
    assert len(of_units(setup)) == 1
    (found,) = (f for f in setup.look() if "ReadWritePaths" in f["says"])
    drop_in = setup.units / "hookgate.service.d"
    drop_in.mkdir()
    line = found["mend"].rpartition("below [Service]: ")[2]
    (drop_in / "override.conf").write_text(f"[Service]\n{line}\n")
    assert of_units(setup) == []


def test_relative_paths_count_from_where_the_unit_starts_the_gate(setup: SetUp) -> None:
    """And not from where the doctor is asked."""
    install(setup, WorkingDirectory=str(setup.folder))
    text = setup.file.read_text().replace(f"{setup.folder}/audit", "ledgers/audit")
    setup.file.write_text(text)
    (found,) = (f for f in setup.look() if f["check"] == "ledger")
    assert f"{setup.folder}/ledgers is no folder" in found["says"]


def test_a_port_that_the_unit_may_not_take(setup: SetUp) -> None:
    """Below 1024, as the lines that docs/running.md has give it back."""
    install(setup)
    setup.write('sidecar.listen = "127.0.0.1:443"\n')
    (found,) = (f for f in setup.look() if "below 1024" in f["says"])
    drop_in = setup.units / "hookgate.service.d"
    drop_in.mkdir()
    lines = found["mend"].rpartition("below [Service]: ")[2].split(", ")
    (drop_in / "override.conf").write_text("\n".join(["[Service]", *lines]))
    assert of_units(setup) == []


def test_includes_that_lag_behind(setup: SetUp, call: Call) -> None:
    """The configuration was changed since; the commands render them anew, and reload."""
    folder = setup.folder / "nginx"
    options = ["-c", str(setup.file), "--log", "/var/log/nginx/mine.jsonl", "--out", str(folder)]
    assert call("nginx", "render", *options).status == 0
    assert setup.look("--nginx", str(folder)) == []
    setup.write('[[route]]\npath = "/cm/events"\n')
    for file in folder.glob("*.conf"):  # those beside the configuration are found by themselves
        (setup.folder / file.name).write_text(file.read_text())
    assert [f["check"] for f in setup.look()] == ["nginx"]
    for file in setup.folder.glob("*.conf"):
        file.unlink()
    found = setup.one("nginx", "--nginx", str(folder))
    render, reload = found["commands"]
    assert reload == "nginx -t && nginx -s reload"
    subprocess.run(["sh", "-c", render], check=True, capture_output=True)
    assert setup.look("--nginx", str(folder)) == []
    assert "/var/log/nginx/mine.jsonl" in (folder / "hookgate-location.conf").read_text()


def test_a_fifo_in_the_place_of_a_file_is_not_waited_for(setup: SetUp, call: Call) -> None:
    """Wherever a file is read: each check says what it can, and none hangs until it is given up."""
    nginx = setup.folder / "nginx"
    render = ["nginx", "render", "-c", str(setup.file), "--out", str(nginx)]
    assert call(*render).status == 0
    (setup.units / "hookgate.service").write_text(UNIT.replace("User=hookgate", "User=root"))
    (setup.units / "hookgate.service.d").mkdir()
    key, ledger = setup.folder / "key", setup.folder / "audit.jsonl"
    setup.write(f'audit.key_file = "{key}"\nfleet.name = "a"\nfleet.dsn_file = "{key}"\n')
    fifos = [
        nginx / "hookgate-location.conf", setup.units / "hookgate.service.d/override.conf", key,
        ledger, ledger.with_name(".audit.state"), ledger.with_name("audit.1.jsonl"),
    ]  # fmt: skip
    for fifo in fifos:
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo)
    told = call("doctor", "-c", str(setup.file), "--units", str(setup.units), "--offline",
                "--nginx", str(nginx), "--json").json  # fmt: skip
    assert told["unseen"] == {}
    setup.write()
    found = setup.look("--nginx", str(nginx))
    assert [each["check"] for each in found if "location.conf" in each["says"]] == ["nginx"]


def test_a_port_that_is_somebody_else_s(setup: SetUp) -> None:
    """By whom, where that can be seen."""
    if shutil.which("python3") is None:
        pytest.skip("no other program that listens")
    (port,) = free_ports(1)
    setup.write(f'sidecar.listen = "127.0.0.1:{port}"\n')
    assert setup.look() == []
    listen = f"import socket, sys; s = socket.create_server(('127.0.0.1', {port}))"
    program = [
        shutil.which("python3") or "",
        "-c",
        f"{listen}; print(flush=True); sys.stdin.read()",
    ]
    other = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        found = setup.one("ports")
        assert f"process {other.pid}" in found["says"]
        line = found["mend"].partition("hookgate.toml: ")[2]
        setup.write(f"sidecar.{line}\n")
        assert setup.look() == []
        setup.write(f'sidecar.listen = "127.0.0.1:{port}"\n')
    finally:
        other.communicate(timeout=30)
    assert setup.look() == []


def test_the_endpoint_is_asked_for_a_connection_and_the_time(
    setup: SetUp, endpoint: Receiver
) -> None:
    """By one HEAD request, and nothing else; a clock that is off is told by how much."""
    setup.write(url=endpoint.url)
    assert setup.look(offline=False) == []
    assert {seen.request_line for seen in endpoint.seen} == {b"HEAD / HTTP/1.1"}
    for ahead, severity, word in ((20, "look", "behind"), (-900, "wrong", "ahead of")):
        set_clock(endpoint, ahead)
        found = setup.one("clock", offline=False)
        assert (found["severity"], word in found["says"]) == (severity, True)


def test_a_time_that_is_none_is_not_compared(setup: SetUp, endpoint: Receiver) -> None:
    """What the endpoint writes there is no mistake of hookgate's."""
    setup.write(url=endpoint.url)
    date = b"Mon, 01 Jan 2026 00:00:00 +9999999999999999999999"
    reply = b"HTTP/1.1 200 OK\r\nDate: %b\r\nContent-Length: 0\r\n\r\n" % date
    endpoint.respond = lambda _: reply
    assert {found["check"] for found in setup.look(offline=False)} <= {"clock"}


def test_an_endpoint_that_is_not_there(setup: SetUp) -> None:
    """It says so once, and the clock cannot be compared."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        setup.write(url=f"http://127.0.0.1:{unheard.getsockname()[1]}")
        found = [f for f in setup.look(offline=False) if f["check"] != "clock"]
    assert [f["check"] for f in found] == ["endpoint"]
    assert "nothing listens" in found[0]["says"]


def test_the_endpoint_s_certificate(setup: SetUp, tmp_path: Path) -> None:
    """One that is not trusted, and one that ends soon."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=3))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with receiving(tls=context) as secured:
        set_clock(secured, 0)
        setup.write(url=secured.url)
        found = [f for f in setup.look(offline=False) if f["check"] != "clock"]
        assert "not one that is trusted" in found[0]["says"]
        setup.write(f'upstream.ca_file = "{tmp_path}/ca.pem"\n', url=secured.url)
        assert "expires in 2 d" in setup.one("endpoint-certificate", offline=False)["says"]


def test_the_listener_s_certificate(setup: SetUp) -> None:
    leaf = trustme.CA().issue_cert("a.example", not_after=datetime.now(UTC) + timedelta(days=3))
    for name, blob in (("crt", leaf.cert_chain_pems[0]), ("key", leaf.private_key_pem)):
        blob.write_to_path(setup.folder / f"tls.{name}")
        (setup.folder / f"tls.{name}").chmod(0o600)
    named = (
        f'sidecar.tls_{n} = "{setup.folder}/tls.{e}"\n'
        for n, e in (("cert", "crt"), ("key", "key"))
    )
    setup.write("".join(named))
    found = setup.one("certificate")
    assert found["severity"] == "look"
    assert 'tls.crt" expires in 2 d (valid from' in found["says"]


def test_fewer_descriptors_than_connections_take(setup: SetUp) -> None:
    """It offers a number that the shell of these tests has, where nothing is wrong."""
    doctor = f"{HOOKGATE} doctor -c {setup.file} --units {setup.units} --offline"
    told = in_shell(f"ulimit -Sn 300; ulimit -Hn 300; {doctor}")
    assert "[descriptors]" in told.stdout
    (most,) = re.findall(r"^ +ulimit -n ([0-9]+)$", told.stdout, re.MULTILINE)
    assert int(most) <= resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert setup.look() == []


def in_shell(command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True)


def test_what_is_missing_or_old_among_the_libraries(
    setup: SetUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older one in front of that which is installed; and one that a key needs."""
    old = tmp_path / "orjson-1.0.0.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: orjson\nVersion: 1.0.0\n")
    with monkeypatch.context() as path:
        path.syspath_prepend(str(tmp_path))
        path.setattr("hookgate_cli.doctor.software.version", version)
        assert "orjson is 1.0.0" in setup.one("libraries")["says"]
    setup.write(f'quarantine.path = "{setup.folder}/q"\nquarantine.recipients = ["{PUBLIC}"]\n')
    monkeypatch.setattr("hookgate_cli.doctor.configuration.find_spec", lambda _: None)
    assert "hookgate[quarantine]" in setup.one("extras")["commands"][0]


def test_ranges_that_nobody_reviewed(setup: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    old = SHIPPED["cm.com"]._replace(reviewed="2020-01-01")
    monkeypatch.setitem(SHIPPED, "cm.com", old)
    assert "ranges check" in setup.one("ranges")["commands"][0]


def test_a_timer_that_signs_nothing(setup: SetUp) -> None:
    text = (DEPLOY / "hookgate-anchor.service").read_text()
    (setup.units / "hookgate-anchor.service").write_text(text)
    assert "no note was written" in setup.one("anchor")["says"]


def test_a_store_of_the_fleet_that_is_not_there(setup: SetUp, endpoint: Receiver) -> None:
    """And a DSN that everybody may read."""
    dsn = setup.folder / "gate.dsn"
    dsn.write_text("host=127.0.0.1 port=9 dbname=hookgate user=hookgate_ams password=x\n")
    dsn.chmod(0o604)
    setup.write(f'fleet.name = "ams"\nfleet.dsn_file = "{dsn}"\n', endpoint.url)
    wrong, open_ = setup.look(offline=False)
    assert (wrong["check"], open_["check"]) == ("shipping", "shipping")
    assert "nothing listens there" in wrong["says"]
    subprocess.run(["sh", "-c", open_["commands"][0]], check=True)
    now = time.time()
    write(setup.folder / "audit.jsonl", start()).chmod(0o640)
    (setup.folder / "audit.state").write_text('{"ledger":"audit.jsonl","last":"b0:1:"}\n')
    runs = Shipping(now, "ams", 1, False, "", None, 0, 1, 0, 0, 0)
    for told, word in (
        (runs._replace(has_ended=True), "does not know whether the gate runs"),
        (runs._replace(unsent_since=now - 300), "seconds old"),
        (runs._replace(forks=2), "2 fork"),
        (runs, ""),
    ):
        write_shipping(setup.folder / "audit.shipping", told._replace(told=time.time()))
        others = [f["says"] for f in setup.look(offline=False) if f["says"] != wrong["says"]]
        assert [word in said for said in others] == [True] * bool(word), others
    setup.write('fleet.name = "ams"\n', endpoint.url)
    assert "fleet.dsn_file is missing" in setup.one("shipping", offline=False)["says"]


def test_a_shipper_that_died_is_told_of_to_who_may_not_read_the_dsn(
    call: Call, setup: SetUp, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that runs on is shown as silent elsewhere: here it is seen which of the two died."""
    dsn = setup.folder / "gate.dsn"
    dsn.touch()
    dsn.chmod(0o602)
    monkeypatch.setattr(os, "access", lambda path, _mode: str(path) != str(dsn))
    setup.write(f'fleet.name = "ams"\nfleet.dsn_file = "{dsn}"\n', endpoint.url)
    write(setup.folder / "audit.jsonl", start()).chmod(0o640)
    told = Shipping(time.time() - 3600, "ams", 1, False, "", None, 0, 1, 0, 0, 0)
    write_shipping(setup.folder / "audit.shipping", told)
    report = call("doctor", "-c", str(setup.file), "--units", str(setup.units), "--json").json
    assert "is its owner's and root's alone" in report["unseen"]["shipping"]
    (dead,) = [f["says"] for f in report["findings"] if "no hookgate ship runs" in f["says"]]
    assert f"since {show_time(told.told, 'seconds')}: its lines wait in the ledger" in dead


def test_a_check_that_hangs_keeps_nobody_waiting() -> None:
    """Nor one that fails, or may not look; all of it is said."""
    never = threading.Event()

    def fail(error: Exception) -> Iterator[Finding]:
        yield from ()
        raise error

    def hang(_: Scene) -> Iterator[Finding]:
        never.wait()
        yield from ()

    def refuse(_: Scene) -> Iterator[Finding]:
        return fail(BlindError("only root can see it"))

    def break_(_: Scene) -> Iterator[Finding]:
        return fail(RuntimeError())

    checks = [Check(str(n), "", look) for n, look in enumerate((hang, refuse, break_))]
    results = run(checks, None, 0.2)  # type: ignore[arg-type]  # nobody looks at it
    never.set()
    assert [result.blind for result in results] == [
        "it did not end within 0.2 seconds",
        "only root can see it",
        "it failed (RuntimeError); that is a mistake in hookgate",
    ]


def test_an_endpoint_that_hangs_is_said_to(
    setup: SetUp, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the connection and says nothing: the bound is that of all checks."""
    monkeypatch.setattr("hookgate_cli.doctor.command._SECONDS", 1.5)
    with receiving(lambda _: None) as silent:
        setup.write(url=silent.url)
        told = call("doctor", "-c", str(setup.file), "--units", str(setup.units), "--json")
    assert told.json["unseen"] == {"clock": "it did not end within 1.5 seconds"}
    assert (told.json["findings"], told.status) == ([], 2)
    assert any(version.startswith("Python 3.") for version in told.json["versions"])


def test_what_is_printed_fits_80_columns(setup: SetUp, call: Call) -> None:
    """But for commands, which are copied."""
    setup.write("request.max_dept = 3\n")
    told = call("doctor", "-c", str(setup.file), "--offline")
    assert told.status == 1
    assert "wait for a configuration" in told.out
    assert all(
        len(line) <= 80 for line in told.out.splitlines()[1:] if not line.startswith("   " * 2)
    )


def test_wrong_usage(call: Call) -> None:
    assert call("doctor", "--user", "nobody-has-this-name").status == 2
    assert call("doctor", "--nginx", "no-folder").status == 2


def test_each_check_has_a_name_of_its_own_and_a_test() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names) > 20
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in names if f'"{name}"' not in tests and f"[{name}]" not in tests] == []
