"""`hookgate init`: what it writes can be run as it says, and it overwrites nothing."""

import contextlib
import os
import pty
import re
import select
import shlex
import signal
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.config.build import load
from hookgate_cli.init.answers import Answers, build_config
from hookgate_cli.init.asking import take
from hookgate_cli.init.files import make_files
from hookgate_cli.init.places import PLACES
from hookgate_cli.init.questions import QUESTIONS
from hookgate_cli.keys import Purpose, make_key
from support.calling import Call
from support.examples import many
from support.ports import free_ports
from support.process import let_children_be_interrupted
from support.raw import wait_until
from support.receiver import receiving
from support.sidecar import HOOKGATE

RECIPIENT = make_key(Purpose.QUARANTINE)[1]
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}


@pytest.fixture
def init(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run `hookgate init`, as the program that is installed here."""
    monkeypatch.setattr("sys.argv", [HOOKGATE])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where a trial's ledger goes
    return partial(call, "init")


def commands(told: str) -> list[str]:
    """The commands that it names to try what it wrote."""
    tried = told.partition("Try it")[2].partition("To put it to use")[0]
    return [line.strip() for line in tried.splitlines() if line.startswith("  ")]


@contextlib.contextmanager
def running(command: str, port: int) -> Iterator[None]:
    """A shell runs the command until the block ends; it accepts by then."""
    let_children_be_interrupted()
    process = subprocess.Popen(
        ["sh", "-c", command],
        env=ENVIRONMENT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )

    def accepts() -> bool:
        with socket.socket() as probe:
            return process.poll() is not None or probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        assert wait_until(accepts, 60)
        assert process.poll() is None, process.communicate()[0].decode()
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


SETS = {
    "systemd": ["--proxy", "127.0.0.0/30", "--client-by", "proxy-protocol", "--seal",
                "--recipient", RECIPIENT, "--webhook", "cm-events-strict=/strict"],
    "mitmdump": ["--webhook", "cm-voice=/voice", "--webhook", "cm-status", "--proxy", "10.0.0.5"],
    "nginx": ["--proxy", "10.0.0.0/8", "--client-by", "proxy-protocol"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("place", SETS)
def test_what_is_written_lets_an_event_in_and_keeps_a_foreign_sender_out(
    place: str, init: Call, call: Call, tmp_path: Path
) -> None:
    """By the commands that it names, to the letter; and nothing is to be said about the file."""
    (port,) = free_ports(1)
    with receiving() as endpoint:
        named = ["--on", place, "--upstream", f"http://127.0.0.1:{endpoint.port}"]
        named += ["--listen", f"127.0.0.1:{port}", *SETS[place]]
        done = init("set", *named, "-y")
        assert (done.status, done.err) == (0, "")
        run, send, refused, read = commands(done.out)
        checked = call("config", "check", "--config", "set/hookgate.toml")
        assert (checked.status, checked.err) == (0, "")
        with running(run, port):
            program, *words = shlex.split(send)
            assert program == HOOKGATE
            sent = call(*words)
            assert sent.status == 0, sent.out + sent.err
            before = len(endpoint.seen)
            assert before
            assert " 403 " in shell(refused).stdout.splitlines()[0]
            assert wait_until(lambda: "source_not_allowed" in shell(read).stdout)
            assert "delivered" in shell(read).stdout
        assert len(endpoint.seen) == before


def shell(command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["sh", "-c", command], env=ENVIRONMENT, capture_output=True, text=True)


def test_a_container_and_a_pod_have_what_can_be_used(
    init: Call, call: Call, tmp_path: Path
) -> None:
    """As far as they can be tried here: the configuration in them, and the pod's volumes."""
    kept = ["--recipient", RECIPIENT, "--proxy", "10.0.0.5"]
    for place in ("container", "kubernetes"):
        assert (
            init(place, "--on", place, "--upstream", "http://127.0.0.1:1", *kept, "-y").status == 0
        )
    checked = call("config", "check", "--config", "container/hookgate.toml")
    assert (checked.status, checked.err) == (0, "")
    documents = [*yaml.safe_load_all((tmp_path / "kubernetes/kubernetes.yaml").read_text())]
    file = tmp_path / "pod.toml"
    file.write_text(documents[0]["data"]["hookgate.toml"])
    here = {"sidecar.tls_cert": "", "sidecar.tls_key": ""}  # those of the pod are elsewhere
    assert load(str(file), here, {}).warnings == ()
    stateful = next(d for d in documents if d["kind"] == "StatefulSet")
    assert volumes(stateful) == {"ledger": "/var/log/hookgate", "quarantine": "/var/lib/hookgate"}


def volumes(stateful: dict[str, Any]) -> dict[str, str]:
    """Where each volume of its own is."""
    spec = stateful["spec"]
    mounts = spec["template"]["spec"]["containers"][0]["volumeMounts"]
    paths = {mount["name"]: mount["mountPath"] for mount in mounts}
    return {
        v["metadata"]["name"]: paths[v["metadata"]["name"]] for v in spec["volumeClaimTemplates"]
    }


def test_units_name_the_program_and_the_folder() -> None:
    """Of the shipped ones nothing else is changed."""
    answers = Answers("systemd", {"upstream.url": "http://127.0.0.1:1"})
    files = {
        file.name: file.text
        for file in make_files(answers, Path("/srv/gate"), "/srv/venv/bin/hookgate")
    }
    for name in ("hookgate.service", "hookgate-watch.service"):
        (start,) = re.findall(r"^ExecStart=(.*)$", files[name], re.MULTILINE)
        assert start.startswith("/srv/venv/bin/hookgate ")
        assert start.endswith(" --config /srv/gate/hookgate.toml")
        shipped = Path(__file__).parents[2] / "sidecar/deploy" / name
        assert len(set(files[name].splitlines()) - set(shipped.read_text().splitlines())) == 1


def test_here_is_the_default_and_keeps_all_in_the_folder(init: Call, tmp_path: Path) -> None:
    """As for a first try by hand: what is kept and the ledger are beside the file."""
    named = ["--upstream", "http://127.0.0.1:1", "--recipient", RECIPIENT, "-y"]
    told = init("set", *named).out
    assert f"cd {tmp_path}/set && {HOOKGATE} serve\n" in told
    assert os.listdir(tmp_path / "set") == ["hookgate.toml"]
    config = load(str(tmp_path / "set/hookgate.toml"))
    assert Path(config.audit.path).parent == Path(config.quarantine.path).parent == tmp_path / "set"


def test_a_unit_that_could_not_see_its_files_is_told_apart(init: Call, tmp_path: Path) -> None:
    """With the command that writes the same to where it sees them."""
    command = ["--on", "systemd", "--upstream", "http://127.0.0.1:1", "--proxy", "10.0.0.5", "-y"]
    told = init("set", *command).out
    assert f"#   {tmp_path}/set\n" in told
    again = shlex.split(re.findall(r"^  (\S+ init /etc/hookgate .*)$", told, re.MULTILINE)[0])
    elsewhere = tmp_path / "elsewhere"
    again = [str(elsewhere) if word == "/etc/hookgate" else word for word in again[2:]]
    assert init(*again).status == 0
    one, other = ((f / "hookgate.toml").read_text() for f in (tmp_path / "set", elsewhere))
    assert one == other


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--on here", [':8081"), so that CM.com']),
        ("--on here --listen [::]:9000", ['proxy of this machine write "127.0.0.1:9000".']),
        ("--on here --proxy 127.0.0.1", []),
        ("--on here --listen unix:/run/a.sock", []),
        ("--on container", []),
        ("--on nginx", [":8081", "at /cm/events: let the endpoint answer 200"]),
        ("--on nginx --listen 127.0.0.1:80 --webhook cm-voice", []),
    ],
)
def test_what_others_see_of_it_is_told(options: str, told: list[str], init: Call) -> None:
    """Where it listens for all, and what nginx answers in the place of 200."""
    done = init("set", *options.split(), "--upstream", "http://127.0.0.1:1", "-y")
    notes = done.out.partition("\n\n")[0].splitlines()[1:]
    assert len(notes) == len(told)
    assert all(part in note for part, note in zip(told, notes, strict=True))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("", ["give --upstream", "--yes, or each of --on, --webhook, --proxy"]),
        ("-y", ["give --upstream"]),
        ("-y --on systemx --upstream http://a", ["did you mean systemd?"]),
        ("-y --on systemd --upstream ftp://a", ['"ftp://a" is no http or https URL']),
        ("-y --on systemd --upstream http://a --proxy 10.0.0.1/8", ['write "10.0.0.0/8"']),
        ("-y --on systemd --upstream http://a --proxy 31.169.56.1", ["overlaps source.allow"]),
        ("-y --on systemd --upstream http://a --webhook cm-event", ["did you mean cm-events?"]),
        ("-y --on systemd --upstream http://a --webhook cm-events=/a/*", ["is no exact path"]),
        ("-y --on systemd --upstream http://a --recipient age1", ["quarantine.recipients"]),
        ("-y --on systemd --upstream http://a --listen 8081", ["sidecar.listen"]),
        ("-y --on nginx --upstream http://a --proxy 10.0.0.5 --client-by forwarded",
         ["cannot be read by nginx"]),
        ("-y --on mitmdump --upstream http://a --proxy 10.0.0.5 --client-by proxy-protocol",
         ["mitmproxy reads no PROXY protocol"]),
        ("-y --on kubernetes --upstream http://a --seal", ["hookgate keys new seal"]),
        ("-y --on nginx --upstream http://a --recipient age1", ["nginx keeps nothing"]),
        ("-y --on systemd --upstream http://a --client-by forwarded", ["without --proxy"]),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told(
    options: str, told: list[str], init: Call, tmp_path: Path
) -> None:
    """Every problem, in the words of the configuration; then nothing is written."""
    result = init("set", *options.split())
    assert (result.status, result.out) == (2, "")
    assert all(part in result.err for part in told), result.err
    assert not (tmp_path / "set").exists()


@given(
    number=st.integers(0, len(QUESTIONS) - 1),
    text=st.text(max_size=40)
    | st.from_regex(r"(cm-events|http://a|10\.0\.0\.1|age1|:|unix:/)[ -~]{0,20}", fullmatch=True),
    place=st.sampled_from(list(PLACES)),
)
@settings(max_examples=many(60))
def test_any_answer_is_taken_or_told_what_is_wrong(number: int, text: str, place: str) -> None:
    """What is taken is a configuration; nothing else is raised."""
    answers = Answers(place, {"upstream.url": "http://127.0.0.1:1"})
    problems, taken = take(QUESTIONS[number], answers, text)
    assert all(problems)
    assert problems or build_config(taken)


def test_any_name_of_a_folder_can_be_read_again_or_is_refused(
    init: Call, call: Call, tmp_path: Path
) -> None:
    """The configuration names it. Nobody else may put a key there, whatever the umask."""
    command = ["--on", "mitmdump", "--upstream", "http://127.0.0.1:1", "--seal", "-y"]
    before = os.umask(0)
    try:
        for name in ("\U0001f600 \u00e9", "\\ud83d\\ude00", "a b\"'$(id)"):
            assert init(name, *command).status == 0
            config = str(tmp_path / name / "hookgate.toml")
            assert call("config", "check", "--config", config).status == 0
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o755
    finally:
        os.umask(before)
    for name in ("\udcff", "a\nb", "\x1b[2J", "\u202e"):
        refused = init(name, *command)
        assert (refused.status, refused.out) == (2, "")
        assert "name a folder that the configuration can name" in refused.err
        assert not (tmp_path / name).exists()
    long = init("x" * 300, *command)
    assert (long.status, "cannot be looked at: File name too long" in long.err) == (1, True)


def test_nothing_is_overwritten(init: Call, tmp_path: Path) -> None:
    """Neither by a second call, nor where one file of many is there; and modes are right."""
    command = ["set", "--on", "systemd", "--upstream", "http://127.0.0.1:1", "--seal", "-y"]
    (tmp_path / "set").mkdir()
    (tmp_path / "set/seal.key").write_text("mine")
    refused = init(*command)
    assert (refused.status, os.listdir(tmp_path / "set")) == (2, ["seal.key"])
    assert "name another folder" in refused.err
    (tmp_path / "set/seal.key").unlink()
    assert init(*command).status == 0
    before = {file.name: file.read_bytes() for file in (tmp_path / "set").iterdir()}
    assert init(*command).status == 2
    assert {file.name: file.read_bytes() for file in (tmp_path / "set").iterdir()} == before
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "set").iterdir()}
    assert modes.pop("seal.key") == 0o600
    assert set(modes.values()) == {0o644}


def test_at_a_terminal_each_answer_is_checked_at_once(tmp_path: Path) -> None:
    """A wrong one is asked for again, before the next question; an empty one is the default."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [HOOKGATE, "init", "set"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    steps = [
        ("Where will it run", ""),
        ("Where do clean events go", "ftp://127.0.0.1"),
        ("is no http or https URL", "http://127.0.0.1:8099"),
        ("Which webhooks", "cm-events=/hooks/*"),
        ("is no exact path", "cm-events=/hooks cm-status"),
        ("Which proxies", "10.0.0.1/24"),
        ('write "10.0.0.0/24"', "10.0.0.0/24"),
        ("How do they name", "proxy-protocol"),
        ("Where does it listen", ""),
        ("for whom", "none"),
        ("Seal the ledger", "maybe"),
        ("neither yes nor no", "yes"),
    ]
    seen = ""
    for asked, answer in steps:
        seen = read_until(ours, asked, seen)
        os.write(ours, answer.encode() + b"\n")
    read_until(ours, "Wrote hookgate.toml", seen)
    with contextlib.suppress(OSError):
        while os.read(ours, 65536):
            pass
    assert process.wait(30) == 0
    os.close(ours)
    document = tomllib.loads((tmp_path / "set/hookgate.toml").read_text())
    assert document["route"] == [
        {"path": "/hooks", "contract": "cm-events"},
        {"path": "/cm/status", "contract": "cm-status"},
    ]
    assert document["source"]["trusted_proxies"] == ["10.0.0.0/24"]
    assert document["source"]["proxy_protocol"] is True
    assert document["audit"]["seal_key_file"] == str(tmp_path / "set/seal.key")


def read_until(fd: int, text: str, seen: str) -> str:
    """Read up to where a prompt follows the text; returns what came behind that."""
    while not re.search(re.escape(text) + r"(?s:.*)> $|Wrote", seen):
        assert select.select([fd], [], [], 30)[0], f"{text!r} is not in {seen!r}"
        seen += os.read(fd, 65536).decode()
    return "" if "Wrote" not in seen else seen
