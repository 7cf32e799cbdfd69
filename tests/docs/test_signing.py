"""docs/signing.md does what it says: its receivers and commands are run, against real gates."""

import base64
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from support.events import CLEAN, event
from support.mitmdump import running_mitmdump
from support.pair import paired
from support.raw import ask, connected, post, wait_until
from support.receiver import OK, Seen
from support.sidecar import Sidecar

PAGE = (Path(__file__).parents[2] / "docs/signing.md").read_text()
NAMES = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
NEW, OLD, OTHER = ("whsec_" + base64.b64encode(bytes([n] * 32)).decode() for n in (1, 2, 3))
# Each as a sender might hope that the endpoint reads it in place of ours.
FORGED = [
    b"webhook-id: evt_forged", b"Webhook-Timestamp: 1", b"WEBHOOK-SIGNATURE: v1,AAAA",
    b"webhook_id: evt_forged", b"webhook.signature: v1,AAAA", b"X-Hookgate-Replay: 0-1",
    b"x-hookgate-anything: 1", b"X_Hookgate_Replay: 0-1",
]  # fmt: skip
BODIES = [CLEAN, CLEAN, event(text="caf\u00e9 \U0001f600"), event(text="x" * 65536)]
FRONTS = ("sidecar", "addon")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Seen]]:
    """What the endpoint got from each front for each body; one that is refused came between."""
    found = {}
    for front, run in (("sidecar", paired), ("addon", running_mitmdump)):
        folder = tmp_path_factory.mktemp(front)
        keys = folder / "keys"
        keys.touch(0o600)
        keys.write_text(f"{NEW}\n{OLD}\n")
        with run(folder, lambda _: OK, **{"upstream.sign_key_file": str(keys)}) as pair:
            for body in BODIES:
                request = post(body, b"/cm/events", b"X-A: 1", *FORGED, b"X-B: 2")
                assert ask(pair.gate.port, request).status == 200
                assert ask(pair.gate.port, post(CLEAN[:-1])).status == 400
            deliveries = pair.gate.wait_for_deliveries(2 * len(BODIES))
            found[front] = pair.upstream.seen
        kept = [r["sha256"] for r in deliveries if r["outcome"] == "delivered"]
        ids = [seen.values(b"webhook-id")[0].decode() for seen in found[front]]
        assert ids == [f"evt_{sha256}" for sha256 in kept]
    return found


def fields(seen: Seen) -> dict[str, str]:
    """As Node.js has them: names in lower case."""
    return {name.decode().lower(): value.decode() for name, value in seen.fields}


def is_verified(key: str, seen: Seen) -> bool:
    try:
        Webhook(key).verify(seen.body, fields(seen))
    except WebhookVerificationError:
        return False
    return True


@pytest.mark.parametrize("front", FRONTS)
def test_what_was_forwarded_is_signed_once_with_both_keys(
    sent: dict[str, list[Seen]], front: str
) -> None:
    """Nothing else has changed: the other fields are there in their order, the body as it came."""
    assert [seen.body for seen in sent[front]] == BODIES
    for seen in sent[front]:
        assert [is_verified(key, seen) for key in (NEW, OLD, OTHER)] == [True, True, False]
        names = [name.lower() for name, _ in seen.fields]
        for name in NAMES:
            assert names.count(name) == 1
        own = [name for name in names if b"hookgate" in name or b"webhook" in name]
        assert own == list(NAMES)
        assert seen.fields[:4] == [
            (b"Host", b"gate"),
            (b"Content-Type", b"application/json"),
            (b"X-A", b"1"),
            (b"X-B", b"2"),
        ]


# Reads [fields, body in base64, how many seconds later it is] and writes what the receiver says.
HARNESS = {
    "python": """
import json, sys
real = time.time
def judge(fields, body, later):
    time.time = lambda: real() + later
    return passed_the_gate(fields, base64.b64decode(body))
print(json.dumps([judge(*case) for case in json.load(sys.stdin)]))
""",
    "js": """
const real = Date.now;
const judge = ([fields, body, later]) => {
  Date.now = () => real() + later * 1000;
  return passedTheGate(fields, Buffer.from(body, "base64"));
};
const cases = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(judge)));
""",
}
Case = tuple[dict[str, str], str, int]


def start(language: str, key: str, cases: list[Case]) -> "subprocess.CompletedProcess[str]":
    """Run the page's receiver on these."""
    program = sys.executable if language == "python" else shutil.which("node")
    if program is None:
        pytest.skip("there is no node here; install: sudo apt-get install nodejs")
    (receiver,) = blocks(language)
    return subprocess.run(
        [program, "-c" if language == "python" else "-e", receiver + HARNESS[language]],
        input=json.dumps(cases), env={**os.environ, "WEBHOOK_KEY": key},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def judge(language: str, key: str, cases: list[Case]) -> list[bool]:
    done = start(language, key, cases)
    assert done.returncode == 0, done.stderr
    found: list[bool] = json.loads(done.stdout)
    return found


def case(seen: Seen, later: int = 0, body: bytes | None = None, **changed: str | None) -> Case:
    """What a gate sent, with something changed; a field that is None is left out."""
    named = {**fields(seen), **{f"webhook-{name}": value for name, value in changed.items()}}
    kept = {name: value for name, value in named.items() if value is not None}
    return kept, base64.b64encode(seen.body if body is None else body).decode(), later


@pytest.mark.parametrize("language", HARNESS)
def test_the_receivers_of_the_page_take_what_a_gate_sent_and_nothing_else(
    sent: dict[str, list[Seen]], language: str
) -> None:
    """From both fronts; neither an altered byte, nor an old one, nor with another key."""
    events = [seen for front in FRONTS for seen in sent[front]]
    good = [case(seen, later) for seen in events for later in (-200, 0, 200)]
    assert judge(language, NEW, good) == judge(language, OLD, good) == [True] * len(good)
    assert judge(language, OTHER, good) == [False] * len(good)
    bad = []
    for seen in events[::2]:
        named, at = fields(seen), len(seen.body) // 2
        when, signed = named["webhook-timestamp"], named["webhook-signature"]
        bad += [
            case(seen, 400),
            case(seen, -400),
            case(seen, body=seen.body[:at] + bytes([seen.body[at] ^ 1]) + seen.body[at + 1 :]),
            case(seen, body=seen.body + b"\n"),
            case(seen, body=b""),
            case(seen, id=named["webhook-id"][:-1]),
            case(seen, id="", timestamp="", signature=""),
            case(seen, timestamp=str(int(when) + 1)),
            case(seen, 400, timestamp=str(int(when) + 400)),
            case(seen, timestamp="soon"),
            *(case(seen, id=None), case(seen, timestamp=None), case(seen, signature=None)),
            case(seen, signature=signed.replace("v1,", "v2,")),
            case(seen, signature=signed.replace("v1,", "")),
            case(seen, signature="v1, " + signed.split(" ")[0].removeprefix("v1,")),
            case(seen, signature="caf\u00e9 v1,"),
        ]
    assert judge(language, OLD, bad) == [False] * len(bad)


@pytest.mark.parametrize("key", ["", "whsec_", "whsec_AAAA", "whsec_" + "A" * 31])
@pytest.mark.parametrize("language", HARNESS)
def test_a_receiver_without_a_key_does_not_start(language: str, key: str) -> None:
    """Or anybody could sign with none."""
    done = start(language, key, [])
    assert done.returncode != 0
    assert done.stdout == ""


def test_the_commands_of_the_page_make_a_key_and_change_it_while_events_come(
    tmp_path: Path,
) -> None:
    """Both keys sign between the reloads. An event whose head came before, and a head that is known
    from before, go by what is in force when the body is judged.
    """
    turn_on, add, remove = blocks("sh")
    (toml,) = (block.replace("/etc/hookgate", str(tmp_path)) for block in blocks("toml"))
    path = tmp_path / "sign.key"
    forged = post(CLEAN, b"/cm/events", b"webhook-id: evt_forged")
    patient = {"sidecar.head_timeout": "120s"}  # the early one says nothing for so long
    with (
        paired(tmp_path, **patient) as pair,
        connected(pair.port) as client,
        connected(pair.port) as early,
    ):
        gate = pair.gate

        def signers(*keys: str) -> list[bool]:
            """Which of the keys the next event is signed with."""
            client.send(forged)
            assert client.read().status == 200
            seen = pair.upstream.seen[-1]
            assert len(seen.values(b"webhook-id")) == 1
            return [is_verified(key, seen) for key in keys]

        assert signers(NEW) == signers(NEW) == [False]
        assert pair.upstream.seen[-1].values(b"webhook-id") == [b"evt_forged"]
        run(turn_on, tmp_path)
        (tmp_path / "hookgate.toml").write_text(toml)
        old = path.read_text().strip()
        assert reloaded(gate, lambda: gate.process.send_signal(signal.SIGHUP)) == ("applied", [])
        assert signers(old, NEW) == [True, False]
        assert reloaded(gate, lambda: run(add, tmp_path, gate.process.pid)) == ("applied", [])
        new, below = path.read_text().split()
        assert below == old
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert signers(new, old, NEW) == [True, True, False]
        early.send(post(CLEAN, b"/cm/events", b"Expect: 100-continue").removesuffix(CLEAN))
        assert early.read().status == 100
        assert reloaded(gate, lambda: run(remove, tmp_path, gate.process.pid)) == ("applied", [])
        early.send(CLEAN)
        assert early.read().status == 200
        assert is_verified(new, pair.upstream.seen[-1])
        assert not is_verified(old, pair.upstream.seen[-1])
        assert signers(new, old) == [True, False]
        path.write_text(f"{new}\n{new}\n")
        why = "holds the same key twice; remove one of the two lines"
        refused = "refused", [f'upstream.sign_key_file = "{path}" {why}']
        assert reloaded(gate, lambda: gate.process.send_signal(signal.SIGHUP)) == refused
        assert signers(new, old) == [True, False]
        assert gate.stop() == 0
        for key in (new, old):
            assert key not in gate.log.whole()


def run(block: str, folder: Path, pid: int = 0) -> None:
    """Run commands of the page in this folder; the reload is the signal that systemd sends."""
    here = block.replace("/etc/hookgate", str(folder)).replace("chown root:hookgate", ": ")
    shell = here.replace("systemctl reload hookgate", f"kill -HUP {pid}")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-ec", shell], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def reloaded(gate: Sidecar, act: Callable[[], object]) -> tuple[object, object]:
    """Do it, and return how the reload ended that comes of it, and with which errors."""
    before = len(gate.records("reload"))
    act()
    assert wait_until(lambda: len(gate.records("reload")) > before, 10)
    record = gate.records("reload")[before]
    return record["result"], record["errors"]
