"""Trusted proxies in a file of their own."""

from pathlib import Path
from typing import Any

import pytest
from netaddr import IPNetwork

from hookgate.config.build import load
from hookgate.config.reload import ReloadableConfig
from hookgate.policy import Policy
from hookgate.settings import Config
from support.problems import problem

URL = {"upstream.url": "http://127.0.0.1:8080"}
FILE = "source.trusted_proxies_file"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(text: str, **keys: Any) -> Config:
    Path("proxies").write_text(text)
    return load(None, {**URL, FILE: "proxies", **keys}, {})


def test_the_file_is_read_beside_the_list() -> None:
    """One network a line, with comments; both together are the trusted proxies."""
    keys = {"source.trusted_proxies": ["10.0.0.0/8"], "source.proxy_protocol": True}
    config = loaded("# balancers\n192.0.2.0/24  # one\n\n2001:db8::1\n", **keys)
    assert config.source.trusted_proxies == (
        IPNetwork("10.0.0.0/8"),
        IPNetwork("192.0.2.0/24"),
        IPNetwork("2001:db8::1"),
    )
    assert loaded("192.0.2.0/24\n", **{"source.proxy_protocol": True}).source.proxy_protocol


def test_what_the_file_holds_is_part_of_the_marks() -> None:
    """Policy and configuration are others with another proxy, wherever it is written."""
    one, other = loaded("192.0.2.1\n"), loaded("192.0.2.2\n")
    assert Policy(one).fingerprint != Policy(other).fingerprint
    assert one.digest != other.digest
    listed = load(None, {**URL, "source.trusted_proxies": ["192.0.2.2"]}, {})
    assert Policy(listed).fingerprint == Policy(other).fingerprint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", f'{FILE} = "proxies" holds no network; write one a line, like 192.0.2.1'),
        ("# none yet\n", "holds no network; write one a line, like 192.0.2.1"),
        ("192.0.2.1\n\nnonsense\n", 'proxies:3: "nonsense" is no network'),
        ("192.0.2.1/24\n", 'proxies:1: "192.0.2.1/24" has host bits set; write 192.0.2.0/24'),
        ("31.169.56.7\n", f"{FILE} overlaps source.allow in 31.169.56.7/32"),
        ("\u0661\n", 'proxies:1: "\\u0661" is no network'),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(text: str, words: str) -> None:
    """The file, its line, and what to write."""
    Path("proxies").write_text(text)
    assert words in problem(keys={FILE: "proxies"})


def test_a_file_that_is_not_there_is_one_problem() -> None:
    """It is not missing from `trusted_proxies` besides."""
    line = problem(keys={FILE: "nowhere", "source.proxy_protocol": True})
    here = f"No such file or directory in {Path.cwd()}"
    assert line == f'{FILE} = "nowhere" cannot be read: {here}'


def test_what_the_message_says_to_write_works() -> None:
    """Letter by letter."""
    Path("proxies").write_text("")
    mend = problem(keys={FILE: "proxies"}).rsplit(" ", 1)[1]
    assert loaded(mend).source.trusted_proxies == (IPNetwork(mend),)


def test_a_change_of_the_file_is_noticed_and_read() -> None:
    """Once it is no longer being written."""
    Path("proxies").write_text("192.0.2.1\n")
    live = ReloadableConfig(None, {**URL, FILE: "proxies"})
    assert not live.has_changed()
    Path("proxies").write_text("192.0.2.1\n192.0.2.2\n")
    assert [live.has_changed(), live.has_changed(), live.has_changed()] == [False, True, False]
    assert live.rebuild_from_files().source.trusted_proxies[1:] == (IPNetwork("192.0.2.2"),)
