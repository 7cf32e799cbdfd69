"""What the doctor finds of files, folders and disks: each fault is made, and mended as it says."""

import fcntl
import os
import pwd
import shlex
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.disk import small_disk
from support.doctor import SetUp
from support.kept import PUBLIC
from support.lines import Record, delivery, start, stop, write
from support.ports import free_ports
from support.quarantine import keep, make_item, opened_store
from support.sidecar import HOOKGATE

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
NOBODY = pwd.getpwnam("nobody")


def test_nothing_is_wrong(setup: SetUp) -> None:
    """With a set-up that is right, planned or run; the exit status is 0."""
    assert setup.look() == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('request.max_dept = 3\n', "request.max_depth"),
        ('upstream.urll = "http://127.0.0.1:9"\n', "upstream.url"),
        ('[[alarm.channel]]\nkind = "slack"\nurl_file = "nowhere"\n', "url_file"),
        ('sidecar.listen = "127.0.0.1:9"\n', "events would go to hookgate itself"),
    ],
)  # fmt: skip
def test_what_the_configuration_s_own_check_says(text: str, told: str, setup: SetUp) -> None:
    """And what waits for a configuration is not looked at."""
    setup.write(text)
    assert told in setup.one("config")["says"]


def test_a_configuration_that_is_not_there(setup: SetUp) -> None:
    setup.file.unlink()
    found = setup.one("config")
    assert str(setup.file) in found["says"]
    assert found["commands"] == [f"{HOOKGATE} init"]


def test_ranges_that_are_no_list(setup: SetUp) -> None:
    """The configuration's own check says so, and no other breaks."""
    setup.file.write_text(setup.file.read_text().replace('["127.0.0.1", "cm.com"]', "5"))
    assert "source.allow" in setup.one("config")["says"]


def test_a_file_with_no_name_is_a_finding(setup: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable counts too, and the others go on: the folder of the ledger is not looked at."""
    monkeypatch.setenv("HOOKGATE_REQUEST__MAX_DEPTH", "none")
    assert "HOOKGATE_REQUEST__MAX_DEPTH" in setup.one("config")["says"]


def test_a_listener_that_nobody_can_come_to(setup: SetUp) -> None:
    """On loopback, where neither senders nor a proxy are."""
    (port,) = free_ports(1)
    narrow, loopback = ('"127.0.0.1", ', ""), f'sidecar.listen = "127.0.0.1:{port}"\n'
    setup.write(loopback)
    setup.file.write_text(setup.file.read_text().replace(*narrow))
    found = setup.one("reachable")
    everywhere = f'sidecar.listen = ":{port}"\n'
    for lines in (f'{loopback}source.trusted_proxies = ["127.0.0.1"]\n', everywhere):
        assert lines.splitlines()[-1].partition(".")[2] in found["mend"]
        setup.write(lines)
        setup.file.write_text(setup.file.read_text().replace(*narrow))
        assert setup.look() == []


@AS_ROOT
def test_a_key_that_the_gate_s_user_cannot_read(setup: SetUp) -> None:
    """As `keys new` leaves it for root."""
    key = setup.folder / "seal.key"
    key.write_text("0" * 64 + "\n")
    key.chmod(0o600)
    os.chown(setup.folder, NOBODY.pw_uid, NOBODY.pw_gid)
    setup.write(f'audit.seal_key_file = "{key}"\n')
    assert setup.look() == []  # root can
    found = setup.mended("files", "--user", "nobody")
    assert "audit.seal_key_file" in found["says"]
    assert stat.S_IMODE(key.stat().st_mode) == 0o640


def test_what_everybody_may_write(setup: SetUp) -> None:
    """The configuration, a list that it names, or their folder; not where only owners rename."""
    allow = setup.folder / "allow.txt"
    allow.write_text("127.0.0.1\n")
    setup.write(f'source.allow_file = "{allow}"\n')
    setup.folder.chmod(0o1777)
    assert setup.look() == []
    for path, mode in ((setup.file, 0o646), (allow, 0o666), (setup.folder, 0o777)):
        path.chmod(mode)
        assert f"may write {path} (" in setup.mended("files")["says"]
        assert stat.S_IMODE(path.stat().st_mode) == mode & ~0o002


def test_a_user_without_a_name(setup: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container: it is looked at by its number."""
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    setup.folder.chmod(0o1777)
    assert setup.look() == []
    setup.folder.chmod(0o755)
    assert "54321 cannot write to" in setup.one("ledger")["says"]


@AS_ROOT
def test_a_folder_above_that_the_gate_s_user_cannot_enter(setup: SetUp) -> None:
    """Where the configuration is readable itself."""
    os.chown(setup.folder, 0, 0)
    inner = setup.folder / "ledgers"
    inner.mkdir()
    os.chown(inner, NOBODY.pw_uid, NOBODY.pw_gid)
    setup.write()
    setup.file.write_text(setup.file.read_text().replace("/audit.jsonl", "/ledgers/audit.jsonl"))
    assert setup.look("--user", "nobody") == []
    (setup.folder / "ledgers").rename(setup.folder / "x")
    closed = setup.folder / "closed"
    closed.mkdir(mode=0o700)
    (setup.folder / "x").rename(closed / "ledgers")
    text = setup.file.read_text().replace("/ledgers/", "/closed/ledgers/")
    setup.file.write_text(text)
    assert "cannot enter" in setup.mended("ledger", "--user", "nobody")["says"]


@AS_ROOT
@pytest.mark.parametrize("fault", ["missing", "foreign", "file", "open"])
def test_a_ledger_that_the_gate_s_user_cannot_write(fault: str, setup: SetUp) -> None:
    """Its folder is missing or another's, or one file in it is; or too many may write there."""
    folder = setup.folder / "ledgers"
    setup.file.write_text(setup.file.read_text().replace("/audit.jsonl", "/ledgers/audit.jsonl"))
    if fault != "missing":
        folder.mkdir()
    if fault in ("file", "open"):
        os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
        file = write(folder / "audit.jsonl", start())
        (folder / "audit.state").write_text('{"ledger":"audit.jsonl","last":"b0:1:"}\n')
        file.chmod(0o640 if fault == "file" else 0o666)
        for each in (file, folder / "audit.state"):
            os.chown(each, NOBODY.pw_uid, NOBODY.pw_gid)
        if fault == "file":
            os.chown(file, 0, 0)
    found = setup.mended("ledger", "--user", "nobody")
    assert found["severity"] == ("look" if fault == "open" else "wrong")


def test_a_ledger_that_is_a_folder(setup: SetUp) -> None:
    """It is told once, and all else is looked at; what it offers is a file in it."""
    (setup.folder / "audit.jsonl").mkdir()
    found = setup.one("ledger")
    assert "is a folder" in found["says"]
    line = found["mend"].partition("hookgate.toml: ")[2]
    lines = [text for text in setup.file.read_text().splitlines() if "audit.path" not in text]
    setup.file.write_text("\n".join([*lines, f"audit.{line}"]))
    assert setup.look() == []


def test_a_state_file_that_says_nothing(setup: SetUp) -> None:
    """It is damaged, or gone beside lines."""
    file = write(setup.folder / "audit.jsonl", start())
    file.chmod(0o640)
    assert "no state file" in setup.one("state")["says"]
    (setup.folder / "audit.state").write_text("rubbish\n")
    assert "no JSON" in setup.one("state")["says"]
    (setup.folder / "audit.state").write_text('{"ledger":"audit.jsonl","last":"b0:1:"}\n')
    assert setup.look() == []


def test_a_last_boot_that_lost_lines_or_was_not_stopped(setup: SetUp) -> None:
    """Of each file; what an earlier boot left is past, and who writes still is not stopped."""
    (port,) = free_ports(1)
    setup.write(f'sidecar.listen = "127.0.0.1:{port}"\nsource.trusted_proxies = ["127.0.0.9"]\n')
    gap = {"event": "gap", "boot": "b0", "cause": "deleted", "first_n": 1, "last_n": 2}
    ended, crashed = (start(), stop(0)), (start(), delivery(1))
    (setup.folder / "audit.state").write_text('{"ledger":"audit.jsonl","last":"b0:1:"}\n')

    def told(*records: Record, name: str = "audit.jsonl") -> str:
        write(setup.folder / name, *records).chmod(0o640)
        return "".join(f["says"] for f in setup.look() if f["check"] == "boots")

    assert told(*ended) == ""
    assert "was deleted while" in told(start(), gap, stop(0))
    assert told(start(), gap, start("b1"), stop(0, "b1")) == ""
    assert "no stop line" in told(*crashed)
    assert told(*crashed, start("b1"), stop(0, "b1")) == ""
    assert told(start(front="replay"), name="audit.replay.jsonl") == ""
    assert "no stop line" in told(*crashed, name="audit.1.jsonl")
    with (setup.folder / "audit.1.jsonl").open() as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        assert setup.look() == []
    assert setup.one("boots")["severity"] == "look"


def quarantine(setup: SetUp, more: str = "") -> Path:
    path = setup.folder / "kept"
    setup.write(f'quarantine.path = "{path}"\nquarantine.recipients = ["{PUBLIC}"]\n{more}')
    return path


def test_a_quarantine_that_is_open_to_everybody(setup: SetUp) -> None:
    path = quarantine(setup)
    assert setup.look() == []  # the gate makes it
    path.mkdir(mode=0o705)
    path.chmod(0o705)
    setup.mended("quarantine-folder")


def test_what_waits_in_the_quarantine(setup: SetUp) -> None:
    """What has custody first; and what expires, and a store that is nearly full."""
    path = quarantine(setup, "quarantine.max_items = 10\n")
    store = opened_store(path, max_items=10)
    keep(store, make_item(1))
    assert setup.look() == []
    keep(store, make_item(2), custody=True)
    assert setup.one("quarantine")["severity"] == "wrong"
    for number in range(3, 11):
        keep(store, make_item(number))
    assert [found["severity"] for found in setup.look()] == ["wrong", "look"]
    for file in path.rglob("*.age"):
        os.utime(file, (time.time() - 28 * 86_400,) * 2)
    assert any("expire within three days" in found["says"] for found in setup.look())


def test_an_alarm_state_without_a_folder(setup: SetUp) -> None:
    """Only where one is named: the unit names its own."""
    setup.write(f'alarm.state = "{setup.folder}/alarms/state.json"\n')
    setup.mended("alarm-state")


def test_what_allowed_senders_send_and_what_the_addon_cannot(setup: SetUp) -> None:
    """By the ledger's end: most are refused for one reason, and the front is the addon."""
    refused = [
        delivery(
            seq, "path_not_routed", front="addon", peer="31.169.56.1", request_id="; touch hacked"
        )
        for seq in range(5)
    ]
    write(setup.folder / "audit.jsonl", start(front="addon"), *refused, delivery(6, front="addon"))
    (setup.folder / "audit.jsonl").chmod(0o640)
    (setup.folder / "audit.state").write_text('{"ledger":"audit.jsonl","last":"b0:1:"}\n')
    found = {f["check"]: f for f in setup.look() if "CVE" not in f["says"]}
    refusals = found.pop("refusals")
    assert "5 as path_not_routed" in refusals["says"]
    assert shlex.split(refusals["commands"][0])[-1] == "; touch hacked"
    assert found == {}
    setup.write('source.trusted_proxies = ["10.0.0.5"]\nsource.proxy_protocol = true\n')
    said = [f["says"] for f in setup.look() if f["check"] == "mitmdump" and "CVE" not in f["says"]]
    assert "mitmproxy reads no such header" in said[0]


def test_a_disk_that_fills_up(setup: SetUp, tmp_path: Path) -> None:
    """At the ledger's own rate, or with next to no room; and less than a quarantine may take."""
    with small_disk(tmp_path / "disk", 8 << 20) as disk:
        setup.file.write_text(
            setup.file.read_text().replace(f"{setup.folder}/audit", f"{disk}/audit")
        )
        assert "8 MiB left" in setup.one("ledger-disk")["says"]
        (disk / "other").write_bytes(bytes((8 << 20) - (64 << 10)))
        assert setup.one("ledger-disk")["severity"] == "wrong"
        (disk / "other").unlink()
        hour_ago = datetime.fromtimestamp(time.time() - 3600, UTC).isoformat()
        records = (delivery(seq, ts=hour_ago) for seq in range(3_000))
        write(disk / "audit.jsonl", start(ts=hour_ago), *records).chmod(0o640)
        (disk / "audit.state").write_text('{"ledger":"audit.jsonl","last":"b0:1:"}\n')
        found = setup.one("ledger-disk")
        assert found["severity"] == "wrong"
        assert "MiB a day" in found["says"]
    with small_disk(tmp_path / "kept", 8 << 20) as disk:
        setup.write(f'quarantine.path = "{disk}/kept"\nquarantine.recipients = ["{PUBLIC}"]\n')
        found = setup.one("quarantine-disk")
        line = found["mend"].rpartition(": ")[2]
        setup.write(
            f'quarantine.path = "{disk}/kept"\nquarantine.recipients = ["{PUBLIC}"]\n'
            f"quarantine.{line}\n"
        )
        assert setup.look() == []
