"""docs/quarantine.md does what it says: its tables, its sections and its commands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from hookgate.config.build import load
from hookgate.config.keys import KEYS
from hookgate.quarantine.error import NotKept
from hookgate.quarantine.replay.plan import Verdict
from hookgate_cli.quarantine import app
from support.events import CLEAN
from support.kept import PUBLIC, SECRET, files
from support.raw import ask, post
from support.receiver import receiving
from support.sidecar import sidecar

PAGE = (Path(__file__).parents[2] / "docs/quarantine.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def words(mark: str) -> list[str]:
    """What the table between `<!-- mark -->` comments explains."""
    (table,) = re.findall(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", PAGE, re.DOTALL)
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_each_word_of_a_plan_is_explained() -> None:
    """In the order in which a plan shows them."""
    assert words("verdicts") == [verdict.value for verdict in Verdict]


def test_each_word_for_what_is_not_kept_is_explained() -> None:
    """With what to do."""
    assert words("not-kept") == [word.value for word in NotKept]


def test_each_command_is_there_and_each_is_named() -> None:
    """And every option that the page names is one of theirs."""
    group: Any = get_command(app)
    verbs = {name: group.get_command(None, name) for name in group.list_commands(None)}
    assert set(re.findall(r"hookgate quarantine (\w+)", PAGE)) == set(verbs)
    commands = PAGE.partition("\n## The commands\n")[2].partition("\n## ")[0]
    options = {name for verb in verbs.values() for param in verb.params for name in param.opts}
    assert set(re.findall(r"`(--[a-z0-9-]+)", commands)) <= {*options, "--config"}


@pytest.mark.parametrize("text", blocks("toml"))
def test_its_sections_can_be_used_as_they_are(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together with the first one, whose values but for the key and the path are the defaults."""
    monkeypatch.setenv("HOOKGATE_UPSTREAM__URL", "http://127.0.0.1:8080")
    first = blocks("toml")[0]
    file = tmp_path / "hookgate.toml"
    file.write_text(first if text == first else first + text)
    found = load(str(file))
    assert found.quarantine.recipients == (PUBLIC,)
    defaults = {k.name: k.parse(k.default) for k in KEYS if k.section == "quarantine"}
    for name in ("keep", "max_age", "max_items", "max_bytes"):
        told = getattr(found.quarantine, name)
        assert (set(told) if name == "keep" else told) == (
            set(defaults[name]) if name == "keep" else defaults[name]
        )
    assert any(route.custody for route in found.routes) == ("custody" in text)


def test_age_opens_what_is_kept_and_check_judges_it(tmp_path: Path) -> None:
    """By the page's own commands."""
    if shutil.which("age") is None:
        pytest.skip("no age; apt-get install age")
    keys = {"quarantine.path": str(tmp_path / "quarantine"), "quarantine.recipients": PUBLIC}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        assert ask(gate.port, post(CLEAN[:-1], b"/cm/events?token=1")).status == 400
    (file,) = files(tmp_path)
    identity = tmp_path / "quarantine.key"
    identity.touch(0o600)
    identity.write_text(f"{SECRET}\n")
    read, judge = (
        line.partition("  #")[0]
        .replace("/root/quarantine.key", str(identity))
        .replace("ab/ab34….age", str(file))
        .replace("hookgate check", f"{sys.executable} -m hookgate_cli check")
        for line in blocks("sh")[1].splitlines()
    )
    request = subprocess.run(["sh", "-c", read], capture_output=True, check=True).stdout
    assert request.startswith(b"POST /cm/events?token=1 HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n" + CLEAN[:-1])
    judged = subprocess.run(["sh", "-c", judge], capture_output=True, text=True, cwd=tmp_path)
    assert "malformed_json" in judged.stdout
