"""Each block of commands in the docs is run, or it is said what runs it, or why nothing does."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt

from support.admin import ON, Admin
from support.events import CLEAN, event
from support.kept import PUBLIC, SECRET
from support.ports import free_ports
from support.raw import ask, post
from support.receiver import Receiver, receiving
from support.shell import Shell
from support.sidecar import FOREIGN, Sidecar, sidecar

ROOT = Path(__file__).parents[2]


class Ran(NamedTuple):
    """Run here. What it `shows`; what it `asks` for that is not run on a machine of tests; `begins`
    is how many of its first lines do not end by themselves, and are stopped afterwards.
    """

    shows: str = ""
    asks: frozenset[str] = frozenset()
    status: int = 0
    begins: int = 0
    anew: bool = False  # in a folder without a configuration


class By(NamedTuple):
    """Run by another test, of this file."""

    test: str


class Not(NamedTuple):
    """Run by nobody, and why."""

    why: str


def asks(*names: str) -> frozenset[str]:
    return frozenset(names)


UNIT = asks("systemctl")
LEFT_OUT = asks(
    *("clickhouse-client", "docker", "editor", "nginx", "pip", "pipx", "python3", "systemctl"),
    *("useradd", "uv"),
)
# By page, and by the beginning of the block.
BLOCKS: dict[tuple[str, str], Ran | By | Not] = {
    ("README.md", "make demo"): By("tests/cli/test_verbs.py"),
    ("README.md", ".venv/bin/hookgate init"): By("tests/cli/test_init.py"),
    ("README.md", ".venv/bin/hookgate serve"): Ran("sidecar.listening", begins=1, anew=True),
    ("README.md", "HOOKGATE_SOURCE__ALLOW"): Ran("sent", begins=1, anew=True),
    ("README.md", ".venv/bin/hookgate demo --addon"): By("tests/cli/test_verbs.py"),
    ("README.md", ".venv/bin/hookgate audit tail"): Ran("balances"),
    ("CONTRIBUTING.md", "make test "): Not("it is what runs this"),
    ("CONTRIBUTING.md", ".venv/bin/pytest"): Not("it is what runs this"),
    ("docs/alarms.md", "hookgate watch "): Ran("told: command", begins=1),
    ("docs/alarms.md", "cp sidecar/deploy"): Ran(asks=UNIT),
    ("docs/audit.md", "tail -f"): Ran('"delivered"'),
    ("docs/audit.md", "jq -c"): Ran(),
    ("docs/audit.md", "journalctl"): By("tests/cli/audit/test_verify_against.py"),
    ("docs/audit.md", "zcat"): Ran(asks=asks("clickhouse-client")),
    ("docs/commands.md", "hookgate --install"): By("tests/cli/test_completion.py"),
    ("docs/commands.md", "_HOOKGATE"): Ran(),
    ("docs/commands.md", "make man"): By("tests/docs/test_manual.py"),
    ("docs/configuration.md", "hookgate config init"): Ran("fine", anew=True),
    ("docs/configuration.md", "id=msg_1"): Ran("200 OK"),
    ("docs/dependencies.md", "python3 -m venv"): Ran(asks=asks("python3", "pip")),
    ("docs/fleet.md", "pip install"): By("tests/cli/test_fleet.py"),
    ("docs/fleet.md", "/opt/hookgate/bin/pip"): Ran(asks=asks("pip", "systemctl")),
    ("docs/fleet.md", "hookgate fleet init --dsn-file admin.dsn --reader"): By(
        "tests/cli/audit/test_fleet_verbs.py"
    ),
    ("docs/fleet.md", "hookgate fleet init --dsn-file admin.dsn --replayer"): By(
        "tests/cli/quarantine/test_fleet.py"
    ),
    ("docs/fleet.md", "hookgate audit fate NAME --fleet"): By(
        "tests/cli/audit/test_fleet_verbs.py"
    ),
    ("docs/fleet.md", "hookgate quarantine replay"): By("tests/cli/quarantine/test_fleet.py"),
    ("docs/installing.md", 'python3 -m venv hookgate\nhookgate/bin/pip install "$'): Ran(
        "hookgate ", asks("python3", "pip")
    ),
    ("docs/installing.md", "uv"): Ran(asks=asks("uv", "pipx")),
    ("docs/installing.md", "pip download"): Ran(asks=asks("pip")),
    ("docs/installing.md", "python3 -m venv hookgate\nhookgate/bin/pip install --no"): Ran(
        asks=asks("python3", "pip")
    ),
    ("docs/live.md", "pip install"): By("tests/cli/live/test_command.py"),
    ("docs/live.md", "hookgate top  "): By("tests/cli/top/test_top.py"),
    ("docs/live.md", "hookgate top --fleet"): By("tests/cli/test_fleet_shown.py"),
    ("docs/live.md", "/opt/hookgate/bin/pip"): Ran(asks=asks("pip", "systemctl")),
    ("docs/metrics.md", "curl"): Ran("contract_violation"),
    ("docs/mitmproxy.md", "pip install"): By("tests/addon/test_command.py"),
    ("docs/mitmproxy.md", "mitmdump"): By("tests/addon/test_docs.py"),
    ("docs/nginx.md", "hookgate nginx render --out"): Ran(asks=asks("nginx")),
    ("docs/nginx.md", "hookgate nginx diff /"): Ran(),
    ("docs/nginx.md", "hookgate nginx render --config"): Ran(),
    ("docs/outages.md", "hookgate config check"): Ran("connected"),
    ("docs/outages.md", "hookgate audit show"): Ran("source_not_allowed"),
    ("docs/outages.md", "hookgate ranges"): By("tests/cli/test_ranges.py"),
    ("docs/proof.md", "pip install 'hookgate[proof]'\nhookgate keys"): Ran("note", asks("pip")),
    ("docs/proof.md", "pip install 'hookgate[proof]'\nhookgate audit"): Ran("proven", asks("pip")),
    ("docs/quarantine.md", "/opt/hookgate/bin/pip"): Ran(
        "age1", asks("pip", "editor", "systemctl")
    ),
    ("docs/quarantine.md", "age"): By("tests/docs/test_quarantine.py"),
    ("docs/quarantine.md", "hookgate keys"): Ran("age1"),
    ("docs/releasing.md", "ssh-keygen -Y sign"): Not("it signs with a release's own key"),
    ("docs/releasing.md", "docker build"): Not("it takes a base image from a registry"),
    ("docs/releasing.md", "ssh-keygen -Y verify"): Not("it needs what was signed"),
    ("docs/releasing.md", "python3 -m venv"): Not("it needs what was released"),
    ("docs/releasing.md", "sha256sum"): By("tests/release/test_without_network.py"),
    ("docs/running.md", "hookgate init"): By("tests/cli/test_init.py"),
    ("docs/running.md", "hookgate doctor"): Ran("hookgate.toml", status=1),
    ("docs/running.md", "python3"): Ran(
        "hookgate.toml", asks("python3", "pip", "useradd", "systemctl"), anew=True
    ),
    ("docs/running.md", "cd /var/log/hookgate && /opt"): Ran("balances"),
    ("docs/running.md", "docker"): Ran(asks=asks("docker")),
    ("docs/running.md", "hookgate config check"): Ran(asks=UNIT),
    ("docs/running.md", "zcat"): By("tests/docs/test_running.py"),
    ("docs/running.md", "cd /var/log/hookgate && export"): Ran("contract_violation"),
    ("docs/running.md", "hookgate quarantine replay"): Ran("refused still", status=1),
    ("docs/signing.md", "hookgate keys"): By("tests/docs/test_signing.py"),
    ("docs/signing.md", "cd /etc/hookgate\nhookgate"): By("tests/docs/test_signing.py"),
    ("docs/signing.md", "cd /etc/hookgate\nsed"): By("tests/docs/test_signing.py"),
}
PAGES = [
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "bench/README.md"),
    *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/*.md")),
]


def blocks() -> Iterator[tuple[str, str]]:
    """Each block of commands, with its page, in the order in which a reader meets it."""
    for page in PAGES:
        for token in MarkdownIt().parse((ROOT / page).read_text()):
            if token.type == "fence" and token.info == "sh":
                yield page, token.content


def rows(page: str, text: str) -> list[Ran | By | Not]:
    return [
        row for (where, start), row in BLOCKS.items() if where == page and text.startswith(start)
    ]


def test_each_block_has_its_row_and_each_row_its_block() -> None:
    """And a test that is said to run one is there."""
    found = {(page, text): rows(page, text) for page, text in blocks()}
    assert [where for where, those in found.items() if len(those) != 1] == []
    assert sum(map(len, found.values())) == len(BLOCKS)
    for row in BLOCKS.values():
        assert not isinstance(row, By) or (ROOT / row.test).is_file(), row


def test_no_block_hides_behind_another_name() -> None:
    for page in PAGES:
        infos = {t.info for t in MarkdownIt().parse((ROOT / page).read_text()) if t.type == "fence"}
        assert not infos & {"bash", "shell", "console", "zsh"}, page


CONFIG = f"""
[upstream]
url = "UPSTREAM"
[source]
allow = ["127.0.0.1", "cm.com"]
watch = ["{FOREIGN}"]
[audit]
path = "hookgate-audit.jsonl"
personal_data = "plain"
[[route]]
path = "/cm/events"
[[route]]
path = "/cm/email"
contract = "cm-email"
[route.signature]
scheme = "cm-email"
secret_file = "email.secret"
[quarantine]
path = "quarantine"
recipients = ["{PUBLIC}"]
[alarm]
[[alarm.channel]]
kind = "command"
command = ["/bin/true"]
"""


class World(NamedTuple):
    """A gate that has seen some events, in whose folder commands are run."""

    shell: Shell
    gate: Sidecar
    upstream: Receiver
    admin: int
    folder: Path

    def here(self, text: str, folder: Path) -> str:
        """A block with paths of this folder, and this gate's ports."""
        ids = {r["reason"]: str(r["request_id"]) for r in self.gate.records("delivery")}
        refused = ids["contract_violation"]
        for of, ours in {
            "/opt/hookgate/bin/": "", "hookgate/bin/": "", ".venv/bin/": "",
            "/opt/hookgate": f"{folder}/opt",
            "/etc/nginx/hookgate": f"{folder}/nginx", "/etc/hookgate": str(folder),
            "/var/log/hookgate": str(folder), "/root/": f"{folder}/", "/mnt/": f"{folder}/",
            "/etc/systemd/system/": f"{folder}/", "/etc/logrotate.d/": f"{folder}/",
            "/etc/bash_completion.d/": f"{folder}/", "tail -f": "tail",
            "/usr/share/zsh/vendor-completions/": f"{folder}/",
            "/usr/share/fish/vendor_completions.d/": f"{folder}/",
            "http://127.0.0.1:8080": self.upstream.url, "127.0.0.1:9180": f"127.0.0.1:{self.admin}",
            "REQUEST_ID": refused,
            "prove 121c38a5-cf77-424a-9ea9-d6c044a845f8": f"prove {ids['clean']}",
            "explain NAME": f"explain {refused}",
            "fate NAME": f"fate {refused}",
        }.items():  # fmt: skip
            text = text.replace(of, ours)
        return text


@contextmanager
def world(folder: Path) -> Iterator[World]:
    (folder / "elsewhere").mkdir()
    (folder / "email.secret").write_text("invented-secret-of-a-test\n")
    (folder / "email.secret").chmod(0o600)
    with ExitStack() as stack:
        upstream = stack.enter_context(receiving())
        (folder / "hookgate.toml").write_text(CONFIG.replace("UPSTREAM", upstream.url))
        (folder / "orders.toml").write_text(f'[upstream]\nurl = "{upstream.url}"\n')
        keys = {
            "audit.path": str(folder / "hookgate-audit.jsonl"),
            "source.allow": "127.0.0.1,cm.com",
            **ON,
        }
        gate = stack.enter_context(sidecar(upstream.url, folder, **keys))
        admin = Admin(gate)
        with (folder / "hookgate.toml").open("a") as file:
            file.write(f'[sidecar]\nadmin = "127.0.0.1:{admin.port}"\n')
        for body in (CLEAN, event(channel=...)):
            ask(gate.port, post(body), "127.0.0.1")
        ask(gate.port, post(CLEAN), FOREIGN)
        shell = stack.enter_context(Shell(folder, LEFT_OUT))
        yield World(shell, gate, upstream, admin.port, folder)


def fault(row: Ran, text: str, world: World, anew: Path) -> str:
    """Run a block; "" where it did what its row says."""
    folder = anew if row.anew else world.folder
    (folder / "sidecar").unlink(missing_ok=True)
    (folder / "sidecar").symlink_to(ROOT / "sidecar")
    key = folder / "quarantine.key"
    key.unlink(missing_ok=True)
    if "keys new quarantine /root/quarantine.key" not in text:
        key.touch(0o600)
        key.write_text(f"{SECRET}\n")
    port = free_ports(1)[0] if row.anew else world.gate.port
    here = world.here(text, folder).replace(":8081", f":{port}")
    lines = here.splitlines(keepends=True)
    begun = []
    said = ""
    for line in lines[: row.begins]:
        listen = f"HOOKGATE_SIDECAR__LISTEN=127.0.0.1:{port}" if row.anew else ""
        process = world.shell.begin(f"{listen} {line}", folder)
        begun.append(process)
        assert process.stdout is not None
        while row.anew and "sidecar.listening" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
    status, told = world.shell.run("".join(lines[row.begins :]), folder)
    for process in begun:
        os.killpg(process.pid, signal.SIGTERM)
        said += process.communicate(timeout=30)[0]
    said += told
    found = (status, world.shell.asked())
    wrong = found != (row.status, row.asks) or row.shows not in said or "Traceback" in said
    return f"{text}\n{found}, not {row}\n{said}" if wrong else ""


@pytest.mark.slow
def test_the_commands_of_the_docs_do_what_they_say(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """In one folder, in the order in which they stand, against one gate."""
    if not (shutil.which("jq") and shutil.which("curl")):
        pytest.skip("no jq or no curl; apt-get install jq curl")
    faults = []
    with world(tmp_path_factory.mktemp("world")) as here:
        for page, text in blocks():
            for row in rows(page, text):
                if isinstance(row, Ran):
                    told = fault(row, text, here, tmp_path_factory.mktemp("anew"))
                    faults += [f"{page}: {told}"] if told else []
    assert not faults, "\n".join(faults)
