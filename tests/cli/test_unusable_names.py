"""A name that is no file's, wherever a user may give one, is told in a line."""

import json
from pathlib import Path

import pytest

from support.calling import Call

NAME = "x" * 300
VERBS = [
    ["anchor", "--key", NAME, "--folder", "."],
    ["audit", "stats", NAME],
    ["audit", "tail", "--follow", NAME],
    ["config", "check", "--config", NAME],
    ["doctor", "--nginx", NAME],
    ["init", NAME, "--on", "systemd", "--upstream", "http://127.0.0.1:1", "-y"],
    ["nginx", "diff", NAME],
    ["nginx", "render", "--out", NAME],
]
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
KEYS = {
    "audit.path": [["config", "check"], ["audit", "tail", "--follow"]],
    "alarm.state": [["config", "check"], ["watch", "--once"]],
    "quarantine.path": [["quarantine", "list"], ["quarantine", "show", "abcd"]],
}


@pytest.mark.parametrize("verb", VERBS, ids=lambda words: " ".join(words).replace(NAME, "NAME"))
def test_an_option_is_told(call: Call, verb: list[str]) -> None:
    """Not by a traceback, and not as a file that is missing."""
    Path("hookgate.toml").write_text('upstream.url = "http://127.0.0.1:1"\n')
    result = call(*verb)
    assert result.status in (1, 2)
    assert "File name too long" in result.err + result.out
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("key", "verb"),
    [(key, verb) for key, verbs in KEYS.items() for verb in verbs],
    ids=lambda given: given if isinstance(given, str) else " ".join(given),
)
def test_a_key_is_told(call: Call, key: str, verb: list[str]) -> None:
    """By the verbs that go to that file."""
    Path("hookgate.toml").write_text(
        f'upstream.url = "http://127.0.0.1:1"\nquarantine.recipients = ["{RECIPIENT}"]\n'
        f"{key} = {json.dumps(NAME)}\n"
    )
    result = call(*verb)
    assert result.status in (1, 2)
    assert "File name too long" in result.err
    assert "Traceback" not in result.err
