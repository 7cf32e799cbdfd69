"""docs/running.md does what it says: signals, exit statuses, commands and snippets."""

import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.config.keys import KEYS
from hookgate.gate.turn import MOST_BYTES
from hookgate.policy import Reason
from hookgate_cli.doctor.table import CHECKS
from support.events import CLEAN, event
from support.raw import ask, post
from support.receiver import receiving
from support.sidecar import sidecar

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/running.md").read_text()
UNIT = (ROOT / "sidecar/deploy/hookgate.service").read_text()


def rows(mark: str) -> list[list[str]]:
    """The cells of the table between `<!-- mark -->` comments, without its heading."""
    (table,) = re.findall(rf"<!-- {mark} -->\n(.*)<!-- /{mark} -->", PAGE, re.DOTALL)
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, without what indents them."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def test_every_signal_that_is_listened_to_is_described() -> None:
    """And none that is not."""
    room = ROOT / "sidecar/hookgate_sidecar"
    source = "".join((room / f"{n}.py").read_text() for n in ("signals", "alone", "with_workers"))
    heard = set(re.findall(r"signal\.(SIG[A-Z0-9]+)", source))
    described = {name for cells in rows("signals") for name in cells[0].split(", ")}
    assert described == heard
    assert all(name in signal.Signals.__members__ for name in described)


def test_the_bounds_on_what_a_sender_can_cost_are_those_of_the_code() -> None:
    """Each key's default, each reason's status, and how much is judged in a turn."""
    defaults = {key.path: str(key.default) for key in KEYS}
    statuses = {reason.code: reason.status for reason in Reason}
    for _, most, name, beyond in rows("bounds"):
        if name:
            assert most.strip("`") == defaults[name.strip("`")]
            status, code = re.findall(r"(\d{3}) `(\w+)`", beyond)[0]
            assert statuses[code] == int(status)
        else:
            assert int(most.split(" KiB")[0]) * 1024 == MOST_BYTES


def test_each_shortage_is_tried_by_a_test_that_is_there() -> None:
    """And says what a sender gets."""
    for _, gets, _, _, file in rows("shortages"):
        assert gets
        assert (ROOT / file).is_file()


def test_every_check_of_the_doctor_is_described() -> None:
    """In its order, by what it wants."""
    assert rows("doctor") == [[f"`{check.name}`", check.about] for check in CHECKS]


def test_the_unit_does_what_the_exit_statuses_call_for() -> None:
    """It tries again where that is said to help, and only there."""
    again = {cells[0]: cells[2].startswith("yes") for cells in rows("exits")}
    assert again == {"0": False, "1": True, "2": False}
    assert "Restart=on-failure" in UNIT
    assert "RestartPreventExitStatus=2" in UNIT


@pytest.mark.parametrize("text", blocks("toml"))
def test_configurations_can_be_used_as_they_are(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has only keys that exist, and an upstream is all it lacks."""
    monkeypatch.setenv("HOOKGATE_UPSTREAM__URL", "http://127.0.0.1:8080")
    file = tmp_path / "hookgate.toml"
    file.write_text(text)
    assert load(str(file)).source.has_proxies


def test_the_drop_in_that_observes_changes_nothing_else() -> None:
    """Its command is the unit's with --observe."""
    (drop_in,) = (text for text in blocks("ini") if "--observe" in text)
    (command,) = re.findall(r"^ExecStart=(.+)$", UNIT, re.MULTILINE)
    assert f"ExecStart=\nExecStart={command.replace('serve', 'serve --observe')}\n" in drop_in


def test_the_command_that_sums_up_what_was_observed_does(tmp_path: Path) -> None:
    """One line for each kind of finding, the most frequent first."""
    if shutil.which("jq") is None:
        pytest.skip("no jq; apt-get install jq")
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, options="--observe") as gate,
    ):
        for body in (b"no", event(channel=...), event(channel=...), CLEAN):
            assert ask(gate.port, post(body)).status == 200
    (command,) = (text for text in blocks("sh") if "zcat" in text)
    done = subprocess.run(
        ["sh", "-c", command.replace("/var/log/hookgate", str(tmp_path))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split(maxsplit=2) for line in done.stdout.splitlines()] == [
        ["2", "contract_violation:", "/channel: missing"],
        ["1", "malformed_json:", "line 1 column 2"],
    ]
