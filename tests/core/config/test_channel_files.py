"""The files that channels of alarms name."""

import os
from pathlib import Path
from typing import Any

import pytest
import trustme

from hookgate.config.channel_files import read_channels, read_watch_channels
from hookgate.config.error import ConfigError
from hookgate.config.layers import gather
from support.notices import channel
from support.problems import write

CANARY = "canary5ecret"
WEBHOOK = f"https://hooks.example.com/{CANARY}"


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hold("url", WEBHOOK + "\n")
    hold("token", f"{CANARY}-token\n")


def hold(name: str, content: str | bytes, mode: int = 0o600) -> None:
    """Have a file hold this."""
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    os.chmod(name, mode)  # as a user would


def refused(kind: str = "json", url: str = "", **keys: Any) -> str:
    """The only thing that is wrong with a channel."""
    with pytest.raises(ConfigError) as caught:
        read_channels([channel(kind, url, name="on-call", **keys)])
    (line,) = caught.value.problems
    assert line.startswith('alarm.channel "on-call": ')
    assert CANARY not in line
    return line


def warnings(kind: str = "json", url: str = "", **keys: Any) -> tuple[str, ...]:
    """What had better be mended."""
    lines = read_channels([channel(kind, url, **keys)])[1]
    assert CANARY not in str(lines)
    return lines


def test_url_and_token_are_read_from_their_files() -> None:
    """Each is one line; neither is shown by what holds it."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path("ca.pem")
    given = channel("json", url_file="url", token_file="token", ca_file="ca.pem")
    (read,), found = read_channels([given])
    assert (read.url, read.token) == (WEBHOOK, f"{CANARY}-token")
    assert found == ()
    assert CANARY not in repr(read)


@pytest.mark.parametrize("key", ["url_file", "token_file"])
@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("", 0o600, "; write it as one line of visible ASCII"),
        (f"{CANARY} {CANARY}", 0o600, "; write it as one line of visible ASCII"),
        (f"{WEBHOOK}\n{WEBHOOK}", 0o600, "; write it as one line of visible ASCII"),
        (f"{CANARY}\r\nX-Injected: y", 0o600, "; write it as one line of visible ASCII"),
        (b"\xff\xfe", 0o600, "save it as ASCII"),
        (b"\xef\xbb\xbf" + WEBHOOK.encode(), 0o600, "byte order mark"),
        (WEBHOOK + "é", 0o600, "; write it as one line of visible ASCII"),
        ("a" * 5000, 0o600, "; write it as one line of visible ASCII"),
        (WEBHOOK, 0o660, "chmod g-w secret"),
        (WEBHOOK, 0o642, "chmod o-rwx secret"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    key: str, content: str | bytes, mode: int, said: str
) -> None:
    """With its name, and nothing of what is in it."""
    hold("secret", content, mode)
    line = refused(**{"url": "" if key == "url_file" else WEBHOOK, key: "secret"})
    assert f'{key} = "secret" ' in line
    assert said in line


def test_a_file_with_another_url_is_refused_by_kind() -> None:
    """In the words of the key `url`."""
    hold("url", f"https://ntfy.example.com/a/{CANARY}")
    said = 'url_file = "url" holds a line that does not end in a topic of ntfy'
    assert said in refused("ntfy", url_file="url")


@pytest.mark.parametrize(
    "pasted",
    [WEBHOOK, f"hooks.example.com/services/T0/B0/{CANARY * 2}", CANARY * 2],
)
def test_what_looks_like_a_secret_in_place_of_the_file_is_hidden(pasted: str) -> None:
    """Messages end up in logs."""
    assert "cannot be read" in refused(url_file=pasted)


def test_a_file_that_others_can_read_is_warned_of() -> None:
    """It works all the same."""
    hold("url", WEBHOOK, 0o644)
    (line,) = warnings(url_file="url")
    assert line.endswith("can be read by everybody on this machine; chmod o= url")
    hold("url", WEBHOOK, 0o640)
    assert warnings(url_file="url") == ()


@pytest.mark.parametrize(
    ("kind", "url", "token_file", "is_warned"),
    [
        ("slack", f"http://hooks.example.com/{CANARY}", "", True),
        ("json", f"http://192.0.2.1/{CANARY}", "", True),
        ("json", f"http://192.0.2.1?{CANARY}", "", True),
        ("ntfy", f"http://[2001:db8::1]/{CANARY}", "", True),
        ("alertmanager", "http://alertmanager.example:9093", "", False),
        ("alertmanager", "http://alertmanager.example:9093/prefix", "", False),
        ("alertmanager", "http://alertmanager.example:9093", "token", True),
        ("alertmanager", f"http://user:{CANARY}@alertmanager.example:9093", "", True),
        ("slack", f"http://127.0.0.1/{CANARY}", "", False),
        ("slack", f"http://127.1.2.3/{CANARY}", "", False),
        ("slack", f"http://[::1]/{CANARY}", "", False),
        ("slack", f"http://localhost/{CANARY}", "", False),
        ("slack", f"https://hooks.example.com/{CANARY}", "", False),
    ],
)
def test_a_secret_that_leaves_the_machine_in_clear_is_warned_of(
    kind: str, url: str, token_file: str, is_warned: bool
) -> None:
    """On this machine nobody is on the way, and an address without a secret gives none away."""
    found = warnings(kind, url, token_file=token_file)
    assert bool(found) == is_warned
    assert all(line.endswith("anybody on the way can read it; write https") for line in found)


def test_a_token_beside_a_password_is_refused() -> None:
    """Only one of them could be sent."""
    line = refused(url=f"https://user:{CANARY}@example.com/", token_file="token")
    assert "cannot be used with a user and password in the URL" in line
    assert warnings(url="https://example.com/@team/hook", token_file="token") == ()


def test_certificates_that_are_none_are_refused() -> None:
    """Before an alarm finds out."""
    assert "holds no CA certificate in PEM" in refused(url=WEBHOOK, ca_file="token")
    assert "cannot be read" in refused(url=WEBHOOK, ca_file="nowhere")


def test_a_program_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    """One that is not there, a folder, one that is no program."""
    hold("tell", "#!/bin/sh\n", 0o600)
    for path, said in (
        ("none", "is no file; name a program"),
        (".", "is no file; name a program"),
        ("tell", "cannot be run; make it executable"),
    ):
        assert said in refused("command", command=(f"{tmp_path}/{path}", CANARY))
    os.chmod("tell", 0o700)
    assert warnings("command", command=(f"{tmp_path}/tell", CANARY)) == ()


def test_the_watcher_reads_them_whatever_is_wrong_with_the_gate() -> None:
    """And is told what is wrong with its own."""
    table = "[[alarm.channel]]\nkind = 'slack'\nurl_file = 'url'\n"
    write("[source]\nallow = []\n" + table)
    (read,), _ = read_watch_channels(gather(None, None, {}))
    assert read.url == WEBHOOK
    write(table + table)
    with pytest.raises(ConfigError, match='give it another, like name = "slack-2"'):
        read_watch_channels(gather(None, None, {}))
