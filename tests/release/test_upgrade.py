"""What version 0.1.0 left behind is read by every command, and a gate goes on from there.

v0_1_0/config/ has what `hookgate config init` of its first and of its last days wrote. v0_1_0/gate/
is the folder of a gate of its last days: three boots, one with an endpoint that did not answer.
Ledgers of its first days are in tests/ledger/v0_1_0/.
"""

import re
import shutil
from pathlib import Path

import pytest

from hookgate.config.build import load
from support.calling import Call, caller
from support.events import event
from support.raw import ask, post
from support.receiver import receiving
from support.sidecar import sidecar

OLD = Path(__file__).with_name("v0_1_0")
NOTES = ("--note", "notes", "--anchor-key", "anchor.key.pub")
FAILED = "7a1d3c5b-8e2f-4c6a-b1d9-1a2b3c4d5e6f"


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder as it was, where a command runs."""
    folder = tmp_path / "gate"
    shutil.copytree(OLD / "gate", folder)
    for secret in folder.glob("*.key"):
        secret.chmod(0o600)
    state = folder / "alarm.state"
    state.write_text(state.read_text().replace("/var/log/hookgate", str(folder)))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def call(gate: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(capsys)


@pytest.mark.parametrize("name", ["early", "last"])
@pytest.mark.parametrize("every", [False, True], ids=["as it is", "with every key"])
def test_its_configuration_is_taken(name: str, every: bool, tmp_path: Path) -> None:
    """Also with each default written out."""
    text = (OLD / f"config/{name}.toml").read_text()
    if every:
        text = "\n\n".join(part for part in text.split("\n\n") if "# [[" not in part)
        text, keys = re.subn(r"(?m)^# (?=[a-z_]+ = )", "", text)
        assert keys > 35
    file = tmp_path / "hookgate.toml"
    file.write_text(text)
    assert load(str(file)).upstream.url == "http://127.0.0.1:8080"


def test_its_ledger_holds_and_balances(call: Call) -> None:
    """By its seals, its state file and its notes."""
    verified = call("audit", "verify", *NOTES)
    assert verified.status == 0
    assert verified.out.startswith("holds  16 lines of 3 boots")
    assert "Compared with 3 notes" in verified.out
    assert call("audit", "balance").status == 0


def test_the_fate_of_its_events_is_told(call: Call) -> None:
    assert "upstream_unreachable" in call("audit", "explain", FAILED).out
    assert call("audit", "stats").status == 0
    assert len(call("audit", "show", "--json").out.splitlines()) > 5


@pytest.mark.parametrize(
    ("verb", "status", "words"),
    [
        ("audit tail", 0, "upstream_unreachable"),
        (f"audit fate {FAILED}", 0, "delivered on the first try, and 2 times in all, kept since"),
        ("audit duplicates", 1, "5fba28bdd15c332d"),
        ("audit report --html report.html", 0, "7 requests"),
        ("quarantine stats", 0, "upstream_unreachable  1"),
        ("quarantine purge --all --yes --reason x", 0, "erased: 2 items"),
        ("config check", 0, "fine"),
        ("nginx render --out nginx", 0, "hookgate-http.conf"),
        ("top --once", 1, "Not known, as not every gate answers"),
    ],
)
def test_every_other_verb_reads_it(call: Call, verb: str, status: int, words: str) -> None:
    done = call(*verb.split())
    assert (done.status, words in done.out) == (status, True), done


def test_an_event_of_it_is_proven_to_others(call: Call) -> None:
    """By the folder that its anchor kept."""
    event = "195366be2c44c3ff-1"
    assert call("audit", "prove", event, "--anchor", "kept", "--out", "receipt.json").status == 0
    held = call("audit", "receipt", "verify", "receipt.json", "--key", "anchor.key.pub")
    assert held.status == 0


def test_what_it_kept_is_opened_and_released(call: Call) -> None:
    """With its identity; what its contract refuses still stays, what was delivered goes."""
    identity = ("--identity", "quarantine.key")
    assert "Content-Type" in call("quarantine", "show", "66fc1f53", *identity).out
    call("quarantine", "replay", *identity, "--yes", "--reason", "the endpoint is back")
    assert len(call("quarantine", "list").out.splitlines()) == 2
    assert "2 kept = 0 replayed + 1 delivered" in call("audit", "balance").out
    assert call("audit", "verify").status == 0


def test_its_notes_are_gone_on_with(call: Call) -> None:
    """No line is new, and none was changed."""
    done = call("anchor", "--key", "anchor.key", "--folder", "kept", "--to", "notes")
    assert (done.status, done.err) == (0, "")
    assert "of 0 new lines" in done.out


def test_its_alarms_are_gone_on_with(call: Call) -> None:
    assert call("watch", "--once").err == ""


def test_a_gate_goes_on_from_its_ledger(call: Call, gate: Path) -> None:
    """The chain leads from its last line to the first one of now."""
    with receiving() as endpoint:
        keys = {"audit.seal_key_file": "seal.key", "audit.path": str(gate / "audit.jsonl")}
        with sidecar(endpoint.url, gate, **keys) as running:
            assert ask(running.port, post(event())).status == 200
    verified = call("audit", "verify", *NOTES)
    assert verified.status == 0
    assert "of 4 boots" in verified.out
