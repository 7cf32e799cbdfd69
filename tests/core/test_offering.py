"""Commands in texts go by the configuration and the ledgers that they are about."""

import ast
import re

import pytest

from hookgate.offering import ANYWHERE, Place
from support.imports import ROOT

AT = Place("a b.toml", ("a.jsonl", "-b.jsonl"), ("k",))


@pytest.mark.parametrize(
    ("text", "fitted"),
    [
        (
            "Try it: hookgate config check --connect.",
            "Try it: hookgate config check --config 'a b.toml' --connect.",
        ),
        (
            "hookgate quarantine list; mend it",
            "hookgate quarantine list --config 'a b.toml'; mend it",
        ),
        (
            "hookgate audit verify it",
            "hookgate audit verify --config 'a b.toml' --seal-key k a.jsonl ./-b.jsonl it",
        ),
        (
            "hookgate audit fate",
            "hookgate audit fate --config 'a b.toml' --seal-key k --log a.jsonl --log ./-b.jsonl",
        ),
        (
            "hookgate audit show",
            "hookgate audit show --config 'a b.toml' a.jsonl ./-b.jsonl",
        ),
        ("no hookgate ship runs: hookgate fleet status", None),
        ("hookgate keys new seal FILE", None),
    ],
)
def test_a_command_that_goes_by_a_configuration_gets_it(text: str, fitted: str | None) -> None:
    assert AT.fit(text) == (fitted or text)
    assert ANYWHERE.fit(text) == text


def test_a_relative_path_counts_from_the_folder_of_the_gate() -> None:
    place = Place("/etc/a.toml", folder="/var/log/a b")
    command = "cd '/var/log/a b' && hookgate audit tail --config /etc/a.toml"
    assert place.fit("hookgate audit tail.") == f"{command}."


@pytest.mark.parametrize(
    ("text", "by_hand"),
    [
        (
            "Start it: systemctl restart hookgate. Then: journalctl -u hookgate -n 50.",
            "Start it: as it was started before. Then: the log of the gate, on its standard error.",
        ),
        (
            "See: journalctl -u hookgate-ship | grep ship.away. Watch",
            "See: lines with ship.away in the log of hookgate ship, on its standard error. Watch",
        ),
        (
            "systemctl kill -s USR2 hookgate tries at once; systemctl reload hookgate",
            "SIGUSR2 to the gate tries at once; send the gate SIGHUP",
        ),
        (
            "At the gate: systemctl status hookgate hookgate-ship.",
            "At the gate: see whether there is the gate and hookgate ship.",
        ),
    ],
)
def test_systemd_is_asked_only_where_it_has_the_unit(text: str, by_hand: str) -> None:
    units = frozenset(("hookgate", "hookgate-ship"))
    assert Place(units=units).fit(text) == text
    assert ANYWHERE.fit(text) == by_hand


def test_each_text_can_be_told_without_systemd() -> None:
    """Of alarms, of the page and of the terminal."""
    found = [
        node.value
        for folder in ("alarms/conditions", "live")
        for file in (ROOT / "core/hookgate" / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if "journalctl" in node.value or "systemctl" in node.value
    ]
    assert len(found) > 10
    for text in found:
        assert not re.search("journalctl|systemctl|grep|-u |-n ", ANYWHERE.fit(text)), text
