"""Whatever command is offered looks at the gate that was asked about."""

import ast
import json
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from hookgate.offering import _COMMAND, Place
from hookgate_cli.offering import place_of
from hookgate_cli.verbs import app
from support.calling import Call
from support.imports import ROOT
from support.lines import delivery
from support.sidecar import HOOKGATE

# Texts with commands that are not fitted, and why not.
_UNFITTED = {
    "cli/hookgate_cli/audit/report/headline.py": "read on other machines",
    "cli/hookgate_cli/audit/report/integrity.py": "read on other machines",
    "cli/hookgate_cli/config.py": "names the file that it wrote",
    "cli/hookgate_cli/init/config_text.py": "of the file itself",
    "cli/hookgate_cli/init/trial.py": "whole commands, of a folder that is written",
    "cli/hookgate_cli/demo.py": "whole commands, of the demo's own ledger",
    "cli/hookgate_cli/send_hints.py": "at a gate of which only the URL is known",
    "cli/hookgate_cli/top/explaining.py": "for another machine, of which no file is known",
    "core/hookgate/proof/receipt.py": "of whoever made a receipt, elsewhere",
    "core/hookgate/offering.py": "fits them",
}
# What fits all texts of a folder.
_FITTED_BY = {
    "core/hookgate/alarms/conditions/": "hookgate.alarms.watcher",
    "core/hookgate/live/": "hookgate.live.picture",
    "cli/hookgate_cli/doctor/": "Scene.option",
}


def verbs(command: Any, name: str = "hookgate") -> Iterator[tuple[str, bool]]:
    """Each verb, and whether it takes a configuration."""
    if hasattr(command, "list_commands"):
        for each in command.list_commands(None):
            yield from verbs(command.get_command(None, each), f"{name} {each}")
    else:
        yield name, any("--config" in option.opts for option in command.params)


def test_only_verbs_that_take_a_configuration_get_it() -> None:
    """All below audit and quarantine but the one that needs no gate, which nothing offers."""
    found = dict(verbs(get_command(app)))
    fitted = {name for name in found if _COMMAND.match(name)}
    assert {name for name in fitted if not found[name]} == {"hookgate audit receipt verify"}
    assert len(fitted) > 15


@pytest.mark.parametrize("option", ["--log", "--seal-key"])
def test_the_verbs_that_take_an_option_are_known(option: str) -> None:
    """Below audit, where ledgers are arguments else."""
    group = get_command(app).get_command(None, "audit")  # type: ignore[attr-defined]  # typer's
    for verb in set(group.list_commands(None)) - {"receipt"}:
        has = any(option in each.opts for each in group.get_command(None, verb).params)
        fitted = Place(ledgers=("a",), seal_keys=("k",)).fit(f"hookgate audit {verb}")
        assert (f"{option} " in fitted) is has, verb


def texts(file: Path) -> Iterator[str]:
    """The texts of a module, but for docstrings and the help of options."""
    tree = ast.parse(file.read_text())
    left_out = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "help":
            left_out |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in left_out:
            yield str(node.value)


def test_every_command_that_is_offered_is_fitted() -> None:
    offering = set()
    for folder in ("core/hookgate", "cli/hookgate_cli"):
        for file in (ROOT / folder).rglob("*.py"):
            name = str(file.relative_to(ROOT))
            is_fitted = name.startswith(tuple(_FITTED_BY)) or "offered(" in file.read_text()
            if not is_fitted and any(map(_COMMAND.search, texts(file))):
                offering.add(name)
    assert offering <= _UNFITTED.keys()


CONFIG = "mine/gate.toml"
OLD = "2026-01-01T00:00:00Z"


@pytest.fixture
def gate(tmp_path: Path) -> str:
    """A configuration in another place than the usual one; returns its whole path."""
    (tmp_path / "mine").mkdir()
    file = tmp_path / CONFIG
    file.write_text(
        '[upstream]\nurl = "http://127.0.0.1:9"\n[audit]\npath = "mine/a.jsonl"\n'
        '[quarantine]\npath = "mine/kept"\nrecipients = ["age1invalid"]\n'
    )
    (tmp_path / "mine/a.jsonl").write_text("garbled\n")
    return str(file)


def test_a_ledger_s_lines_are_named_by_the_command_that_is_offered(call: Call, gate: str) -> None:
    told = call("audit", "tail", "--config", CONFIG).err
    assert f"; hookgate audit show --config {gate} names them" in told
    told = call("audit", "tail", "mine/a.jsonl").err
    assert "; hookgate audit show mine/a.jsonl names them" in told
    command = told.partition("; ")[2].partition(" names")[0]
    assert "mine/a.jsonl:1" in call(*shlex.split(command)[1:]).err


def test_what_is_not_kept_is_looked_for_at_the_same_gate(call: Call, gate: str) -> None:
    Path("mine/kept").mkdir(mode=0o700)
    told = call("quarantine", "show", "abcdef01", "--config", CONFIG)
    assert f"hookgate quarantine list --config {gate} has what is there" in told.err
    assert f"hookgate audit fate --config {gate} says what became" in told.err
    told = call("quarantine", "purge", "--reference", "none", "--config", CONFIG)
    assert f"hookgate quarantine list --config {gate} has what is kept" in told.err


def test_what_is_held_is_delivered_from_the_same_gate(call: Call, gate: str) -> None:
    kept = {"sha256": "a" * 64, "kept": "b" * 64, "retry": "1 tries"}
    line = {**delivery(1, "contract_violation", **kept), "ts": OLD}
    Path("mine/a.jsonl").write_text(json.dumps(line) + "\n")
    told = call("audit", "fate", str(line["request_id"]), "--config", CONFIG).out
    assert f"deliver it: hookgate quarantine replay --config {gate} --identity FILE" in told


def test_an_alarm_offers_commands_about_its_gate(gate: str, tmp_path: Path) -> None:
    """It is read on a phone, and followed from another folder."""
    with (tmp_path / "mine/a.jsonl").open("w") as ledger:
        for number in range(3):
            line = {**delivery(number, "contract_violation"), "ts": f"{datetime.now(UTC)}"}
            ledger.write(json.dumps(line) + "\n")
    command = [HOOKGATE, "watch", "--once", "--config", CONFIG]
    told = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path).stdout
    assert (
        f"See why: cd {tmp_path} && hookgate audit show --config {gate} --outcome refused" in told
    )


@pytest.mark.parametrize(("is_running", "is_installed"), [(1, 1), (0, 1), (1, 0)])
def test_systemd_is_offered_where_it_runs_and_has_the_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_running: int, is_installed: int
) -> None:
    monkeypatch.setattr("hookgate_cli.offering._RUNNING", tmp_path / "run")
    monkeypatch.setattr("hookgate_cli.offering._FOLDERS", [tmp_path / "units"])
    (tmp_path / "units").mkdir()
    if is_running:
        (tmp_path / "run").mkdir()
    if is_installed:
        (tmp_path / "units/hookgate.service").touch()
    told = place_of(None).fit("Start it: systemctl restart hookgate.")
    assert ("systemctl" in told) is bool(is_running and is_installed)


def test_what_top_offers_is_about_the_gate_that_it_shows(
    call: Call, gate: str, tmp_path: Path
) -> None:
    """Of gates that are named nobody knows which file they go by."""
    Path("mine/a.jsonl").write_text(json.dumps({**delivery(1, "method_not_allowed")}) + "\n")
    (meaning,) = call("top", "--once", "--json", "--config", CONFIG).json["meanings"]
    command = f"hookgate audit explain --config {gate} ID"
    assert f"See what sends this: cd {tmp_path} && {command}" in meaning["first"]
    told = call("top", "--once", "--json", "--config", CONFIG, "--log", "mine/a.jsonl").json
    assert "hookgate audit explain ID" in told["meanings"][0]["first"]
