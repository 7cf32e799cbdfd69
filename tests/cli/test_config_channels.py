"""Channels of alarms in `hookgate config`."""

import tomllib
from pathlib import Path

import pytest

from support.calling import Call

CANARY = "canary5ecret"
FILE = f"""\
[upstream]
url = "http://127.0.0.1:1"
[[alarm.channel]]
kind = "slack"
url = "https://hooks.example.com/services/{CANARY}"
[[alarm.channel]]
kind = "ntfy"
name = "phone"
severity = "critical"
url_file = "ntfy.url"
[[alarm.channel]]
kind = "command"
command = ["/bin/true", "--key", "{CANARY}"]
"""


@pytest.fixture(autouse=True)
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hookgate.toml").write_text(FILE)
    Path("ntfy.url").write_text(f"http://ntfy.example.com/{CANARY}\n")
    Path("ntfy.url").chmod(0o600)


def test_check_says_where_each_leads(call: Call) -> None:
    """By its host alone, with a warning of what crosses the network in clear."""
    result = call("config", "check")
    assert result.status == 0
    assert result.out.splitlines()[:3] == [
        'alarm.channel "slack": slack, https://hooks.example.com***: all alarms',
        'alarm.channel "phone": ntfy, http://ntfy.example.com***: critical alarms',
        'alarm.channel "command": command, /bin/true: all alarms',
    ]
    assert "a secret is sent over http to another machine" in result.err
    assert CANARY not in result.out + result.err


def test_check_reads_the_files_that_the_watcher_will(call: Call) -> None:
    """And exits 2 where one cannot be used."""
    Path("ntfy.url").unlink()
    result = call("config", "check")
    assert result.status == 2
    assert 'alarm.channel "phone": url_file = "ntfy.url" cannot be read' in result.err


@pytest.mark.parametrize("as_json", [False, True])
def test_show_shows_no_secret(as_json: bool, call: Call) -> None:
    """Neither as a hookgate.toml nor as JSON."""
    result = call("config", "show", *(["--json"] if as_json else []))
    channels = (
        result.json["alarm.channel"] if as_json else tomllib.loads(result.out)["alarm"]["channel"]
    )
    assert channels == [
        {"kind": "slack", "url": "https://hooks.example.com***"},
        {"kind": "ntfy", "name": "phone", "severity": "critical", "url_file": "ntfy.url"},
        {"kind": "command", "command": ["/bin/true", "***", "***"]},
    ]
    assert CANARY not in result.out + result.err


def test_show_shows_no_secret_that_was_pasted_in_place_of_a_path(call: Call) -> None:
    """As little as the message says that refuses it."""
    token = CANARY * 2
    Path("hookgate.toml").write_text(
        FILE.replace('"ntfy.url"', f'"https://ntfy.example.com/{CANARY}"\ntoken_file = "{token}"')
    )
    result = call("config", "show")
    shown = tomllib.loads(result.out)["alarm"]["channel"][1]
    assert (shown["url_file"], shown["token_file"]) == ("https://ntfy.example.com***", "***")
    assert CANARY not in result.out + result.err
    assert CANARY not in call("config", "check").err
