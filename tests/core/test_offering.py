"""Commands in texts go by the configuration and the ledgers that they are about."""

import pytest

from hookgate.offering import ANYWHERE, Place

AT = Place("/etc/my gate.toml", ("a.jsonl", "-b.jsonl"))


@pytest.mark.parametrize(
    ("text", "fitted"),
    [
        (
            "Try it: hookgate config check --connect.",
            "Try it: hookgate config check --config '/etc/my gate.toml' --connect.",
        ),
        (
            "hookgate quarantine list; mend it",
            "hookgate quarantine list --config '/etc/my gate.toml'; mend it",
        ),
        (
            "hookgate audit verify names it",
            "hookgate audit verify --config '/etc/my gate.toml' a.jsonl ./-b.jsonl names it",
        ),
        (
            "hookgate audit fate",
            "hookgate audit fate --config '/etc/my gate.toml' --log a.jsonl --log ./-b.jsonl",
        ),
        ("no hookgate ship runs: hookgate fleet status", None),
        ("hookgate keys new seal FILE", None),
    ],
)
def test_a_command_that_goes_by_a_configuration_gets_it(text: str, fitted: str | None) -> None:
    assert AT.fit(text) == (fitted or text)
    assert ANYWHERE.fit(text) == text
