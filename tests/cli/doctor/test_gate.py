"""What the doctor finds of a gate that runs: its policy, and proxies that nobody named."""

import json
import re
import subprocess

import pytest

from support.calling import Call
from support.doctor import SetUp
from support.events import CLEAN
from support.ports import free_ports
from support.raw import ask, post, wait_until
from support.receiver import Receiver, Seen, receiving
from support.sidecar import HOOKGATE

PROXY, SENDER = "127.0.0.20", b"X-Forwarded-For: 31.169.56.1"


def test_a_gate_behind_a_proxy_that_is_not_named(
    setup: SetUp, endpoint: Receiver, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first hour's commonest fault: what it says to write, and a reload, let events in."""
    listen, admin = free_ports(2)
    places = (
        f'sidecar.listen = "127.0.0.1:{listen}"\nsidecar.admin = "127.0.0.1:{admin}"\n'
        "request.max_depth = 32\n"
    )
    ledger = setup.folder / "audit.jsonl"
    setup.write(places, endpoint.url)
    command = [HOOKGATE, "serve", "--config", str(setup.file)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as gate:
        try:
            assert wait_until(lambda: is_there(admin), 60)
            assert setup.look(offline=False) == []
            send = post(CLEAN, b"/cm/events", SENDER)
            for _ in range(3):
                assert ask(listen, send, PROXY).status == 403
            found = setup.one("proxies", offline=False)
            line = found["mend"].partition("hookgate.toml: ")[2].partition(";")[0]
            assert line == f'trusted_proxies = ["{PROXY}"]'
            setup.write(f"{places}source.{line}\n", endpoint.url)
            # Until it is reloaded, the gate judges by what it read before.
            reload = next(f for f in setup.look(offline=False) if f["check"] == "admin")
            (command_line,) = reload["commands"]
            assert command_line == f"kill -HUP {gate.pid}"
            subprocess.run(["sh", "-c", command_line], check=True)
            assert wait_until(lambda: ask(listen, send, PROXY).status == 200)
            assert wait_until(lambda: setup.look(offline=False) == [])
            url = f"http://127.0.0.1:{listen}/cm/events"
            assert call("send", url, "--hostile").status == 0
            assert wait_until(lambda: b"malformed_http" in ledger.read_bytes())
            assert setup.look(offline=False) == []  # what send was refused is nobody's fault
            assert ask(listen, send, PROXY).status == 200
            kept = ledger.read_bytes()
            setup.write(places, f"http://127.0.0.1:{listen}")
            assert {f["check"] for f in setup.look(offline=False)} - {"clock"} == {
                "config",
                "admin",
            }
            assert ask(listen, send, PROXY).status == 200  # its line is the next one
            assert wait_until(lambda: len(ledger.read_bytes()) > len(kept))
            assert b"malformed_http" not in ledger.read_bytes()[len(kept) :]
            assert b"method_not_allowed" not in ledger.read_bytes()[len(kept) :]
            setup.write(places.replace(f":{admin}", ":9"), endpoint.url)
            found = setup.one("admin", offline=False)
            assert "nothing listens" in found["says"]
            assert found["commands"] == [f"kill {gate.pid}"]  # no unit began it
            monkeypatch.chdir(setup.units)
            told = call("doctor", "--offline", "--units", str(setup.units), "--json").json
            asked = next(f for f in told["findings"] if "no file is named" in f["says"])
            assert f"process {gate.pid} (" in asked["says"]
            assert f"serve --config {setup.file}" in asked["says"]
            assert f"{HOOKGATE} doctor --config {setup.file}" in asked["commands"]
            setup.write(f"{places}source.{line}\n", endpoint.url)
            with monkeypatch.context() as another:
                another.setattr("hookgate_cli.doctor.running_gate.libraries", lambda _: ("other",))
                assert "another version" in setup.one("admin", offline=False)["says"]
            taken_by_another_gate(setup, gate.pid, listen, admin)
            refused_by_the_proxy_s_silence(setup, listen)
        finally:
            gate.terminate()


def taken_by_another_gate(setup: SetUp, pid: int, listen: int, admin: int) -> None:
    """A second set-up with the ports of a gate that is well: it is to take others."""
    first, setup.file = setup.file, setup.folder / "second.toml"
    text = first.read_text().replace("/audit.jsonl", "/second.jsonl")
    try:
        for number, port in enumerate((listen, admin)):
            setup.file.write_text(text)
            two = [f for f in setup.look(offline=False) if f["check"] != "clock"]
            assert [f["check"] for f in two] == ["ports"] * (2 - number), two
            assert f"another hookgate, process {pid} (" in two[0]["says"]
            assert f"serve --config {first}" in two[0]["says"]
            assert f":{port}" in two[0]["says"]
            assert "kill" not in json.dumps(two)
            line = two[0]["mend"].partition("second.toml: ")[2]
            key = line.partition(" ")[0]
            text = re.sub(rf"sidecar\.{key} = .*", f"sidecar.{line}", text)
        setup.file.write_text(text)
        assert setup.look(offline=False) == []
        setup.file.unlink()
        setup.file.symlink_to(first)  # it is the same one
        assert setup.look(offline=False) == []
    finally:
        setup.file.unlink()
        setup.file = first


def refused_by_the_proxy_s_silence(setup: SetUp, listen: int) -> None:
    """A proxy that is named, and names nobody; then what allowed senders send to no route."""
    for _ in range(12):
        assert ask(listen, post(CLEAN), PROXY).status == 403
    found = setup.one("proxies")
    assert "source_unresolved" in found["says"]
    explained = subprocess.run(["sh", "-c", *found["commands"]], capture_output=True, text=True)
    assert "source_unresolved" in explained.stdout


PROBLEMS = {
    "the ledger cannot be written": "make room on the disk of ",
    "the ledger of worker 2 cannot be written": "make room on the disk of ",
    "draining": "it is about to end",
    "the upstream cannot be connected to: refused": "see what [endpoint] says",
    "no worker serves": "its log says why",
}


def test_a_gate_that_is_not_ready(setup: SetUp, endpoint: Receiver) -> None:
    """What is to be done about it comes first, for each word that /readyz has."""
    told = json.dumps({"problems": [*PROBLEMS], "degraded": [], "upstream": []}).encode()

    def answer(asked: Seen) -> bytes:
        status, body = (b"503 x", told) if b"readyz" in asked.request_line else (b"200 x", b"")
        return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)

    with receiving(answer) as gate:
        setup.write(f'sidecar.admin = "127.0.0.1:{gate.port}"\n', endpoint.url)
        found = [f for f in setup.look(offline=False) if f["check"] == "admin"]
    for (problem, mend), one in zip(PROBLEMS.items(), found, strict=True):
        assert problem in one["says"]
        assert one["mend"].startswith(mend)


def is_there(port: int) -> bool:
    try:
        return ask(port, b"GET /readyz HTTP/1.1\r\nHost: admin\r\n\r\n", "127.0.0.1").status == 200
    except OSError:
        return False
