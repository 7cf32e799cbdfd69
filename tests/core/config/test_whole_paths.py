"""Which whole paths relative ones are."""

from pathlib import Path

import pytest

from hookgate.config.layers import gather
from hookgate.config.whole_paths import whole_paths

TEXT = """
[audit]
path = "logs/a.jsonl"
seal_key_file = "/etc/hookgate/seal.key"
[upstream]
ca_file = "ca.pem"
[sidecar]
tls_client_ca = "clients.pem"
[quarantine]
path = ""
[alarm]
ledgers = ["b.jsonl", "/var/log/c.jsonl"]
[[alarm.channel]]
url_file = "slack.url"
[[route]]
path = "/a"
contract = "own.json"
[route.signature]
secret_file = "a.secret"
[[route]]
path = "/b"
contract = "cm-status"
"""


def test_each_that_is_relative_is_named_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hookgate.toml").write_text(TEXT)
    assert whole_paths(gather(None, {}, {})) == {
        "audit.path": f"{tmp_path}/logs/a.jsonl",
        "upstream.ca_file": f"{tmp_path}/ca.pem",
        "sidecar.tls_client_ca": f"{tmp_path}/clients.pem",
        "alarm.ledgers[0]": f"{tmp_path}/b.jsonl",
        "route 1: contract": f"{tmp_path}/own.json",
        "route 1: signature.secret_file": f"{tmp_path}/a.secret",
        "alarm.channel 1: url_file": f"{tmp_path}/slack.url",
    }


def test_what_is_no_path_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret in the place of its file, or a value of another kind."""
    secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
    given = {"audit.key_file": secret, "audit.path": "-", "upstream.ca_file": 7}
    told = whole_paths(gather(None, given, {}))
    assert told == {"audit.key_file": "***"}
