"""The table that says how a route's events are signed, and the file of its secrets."""

import os
from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.config.error import ConfigError
from hookgate.settings import SignatureSettings
from support.problems import MINIMAL, URL, problems, write

SECRET = "a secret of these tests"
ROUTE = "[[route]]\npath = '/a'\n[route.signature]\n"
GOOD = ROUTE + "scheme = 'cm-email'\nsecret_file = 'secret'\n"


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hold(SECRET + "\n")


def hold(content: str, mode: int = 0o600) -> None:
    """Have the file hold this."""
    Path("secret").write_text(content)
    os.chmod("secret", mode)  # as a user would


def test_a_signature_is_read_with_its_secrets() -> None:
    """Five minutes are tolerated unless it says otherwise."""
    hold(f"{SECRET}\nanother of these tests\n")
    (route,) = load(write(MINIMAL + GOOD), None, {}).routes
    secrets = (SECRET.encode(), b"another of these tests")
    assert route.signature == SignatureSettings("cm-email", secrets, 300.0)
    (route,) = load(write(MINIMAL + GOOD + "tolerance = '90s'\n"), None, {}).routes
    assert route.signature is not None
    assert route.signature.tolerance == 90.0


def test_a_route_without_one_asks_for_none() -> None:
    """As before."""
    assert load(None, URL, {}).routes[0].signature is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("scheme = 'svix'\nsecret_file = 'secret'",
         ['signature.scheme = "svix" is none of "standard-webhooks", "cm-email", "github"']),
        ("scheme = 7\nsecret_file = 'secret'", ["signature.scheme = 7 is none of"]),
        ("", ['signature.scheme is missing; write it like "standard-webhooks"',
              "signature.secret_file is missing"]),
        ("scheme = 'github'\nsecret_file = ''", ["signature.secret_file is missing"]),
        ("scheme = 'cm-email'\nsecret_file = 'nowhere'",
         ['signature.secret_file = "nowhere" cannot be read: No such file']),
        ("scheme = 'cm-email'\nsecret_file = '.'", ["it is a folder; name a regular file"]),
        ("scheme = 'cm-email'\nsecret_file = 'secret'\ntolerance = '0s'",
         ['signature.tolerance = "0s" is not between 1 and 86400 seconds']),
        ("scheme = 'cm-email'\nsecret_file = 'secret'\ntolerance = 300",
         ["signature.tolerance = 300 is no duration"]),
        ("scheme = 'github'\nsecret_file = 'secret'\ntolerance = '5m'",
         ["signature.tolerance is of no use: github signs no time; leave it out"]),
        ("scheme = 'github'\nsecret_file = 'secret'\nsecret = 'x'",
         ["signature.secret is no key; did you mean secret_file?"]),
        ("scheme = 'standard-webhooks'\nsecret_file = 'secret'",
         ['signature.secret_file = "secret" has a line 1 that does not begin with whsec_']),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(table: str, said: list[str]) -> None:
    """Every problem at once, with the route, the key, the value and a mend."""
    found = problems(write(ROUTE + table))
    assert len(found) == len(said)
    for line, words in zip(found, said, strict=True):
        assert line.startswith('hookgate.toml: route 1 ("/a"): signature.')
        assert words in line
        assert SECRET not in line


def test_a_signature_that_is_no_table_is_named() -> None:
    """A secret in its place is not shown."""
    (line,) = problems(write("[[route]]\npath = '/a'\nsignature = 'abcdefghijklmnop'"))
    assert line.endswith("signature is a table; write [route.signature] and its keys below")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no secret"),
        ("short\n", "fewer than 16 bytes"),
        ("\ufeff" + SECRET, "byte order"),
    ],
)
def test_a_file_without_a_good_secret_is_refused(content: str, said: str) -> None:
    """What is too short could be guessed."""
    hold(content)
    (line,) = problems(write(GOOD))
    assert said in line


@pytest.mark.parametrize(
    ("mode", "mend"),
    [(0o620, "g-w"), (0o660, "g-w"), (0o602, "o-rwx"), (0o642, "o-rwx"), (0o666, "g-w,o-rwx")],
)
def test_a_file_that_others_can_write_is_refused(mode: int, mend: str) -> None:
    """They could put a secret of theirs there; that the gate's group may read it stays."""
    hold(SECRET, mode)
    (line,) = problems(write(GOOD))
    assert f"chmod {mend} secret" in line


def test_a_file_that_others_can_read_is_warned_of() -> None:
    """It works all the same."""
    hold(SECRET, 0o644)
    (line,) = load(write(MINIMAL + GOOD), None, {}).warnings
    assert line.endswith("can be read by everybody on this machine; chmod o= secret")
    hold(SECRET, 0o640)
    assert load(write(MINIMAL + GOOD), None, {}).warnings == ()


def test_what_looks_like_a_secret_in_place_of_the_file_is_hidden() -> None:
    """Messages end up in logs."""
    pasted = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"
    (line,) = problems(write(ROUTE + f"scheme = 'cm-email'\nsecret_file = '{pasted}'\n"))
    assert pasted not in line


def test_another_secret_is_another_configuration() -> None:
    """Its digest shows, so that a reload takes it, and nothing of the secret does."""
    first = load(write(MINIMAL + GOOD), None, {})
    hold("another secret of these tests")
    second = load(write(MINIMAL + GOOD), None, {})
    assert first.digest != second.digest
    assert "secret of these" not in repr(second)


def test_every_problem_of_every_route_is_found() -> None:
    """With the number of its route."""
    with pytest.raises(ConfigError) as raised:
        load(write(MINIMAL + ROUTE + ROUTE.replace("/a", "/b")), None, {})
    found = "\n".join(raised.value.problems)
    assert 'route 1 ("/a"): signature.scheme' in found
    assert 'route 2 ("/b"): signature.scheme' in found
