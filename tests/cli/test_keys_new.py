"""`hookgate keys new`."""

import base64
import shlex
import stat
from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.config.error import ConfigError
from hookgate.quarantine.encryption import parse_identities, parse_recipients
from hookgate_cli.terminal import to_json
from support.calling import Call
from support.journal import Book


@pytest.mark.parametrize("purpose", ["seal", "hmac", "sign", "quarantine", "token"])
def test_a_key_is_new_and_for_its_owner_alone(call: Call, purpose: str) -> None:
    """Mode 0600 whatever the umask, 256 bits, another one each time."""
    assert call("keys", "new", purpose, "one.key").status == 0
    assert call("keys", "new", purpose, "two.key").status == 0
    one, two = Path("one.key"), Path("two.key")
    assert stat.S_IMODE(one.stat().st_mode) == 0o600
    assert one.read_text() != two.read_text()
    text = one.read_text().removesuffix("\n")
    if purpose == "quarantine":
        assert parse_identities(one.read_bytes())
    elif purpose == "sign":
        assert len(base64.b64decode(text.removeprefix("whsec_"), validate=True)) == 32
        assert text.startswith("whsec_")
    else:
        assert len(bytes.fromhex(text)) == 32


@pytest.mark.parametrize("name", ["new.key", 'my "new" \u00e9.key'])
@pytest.mark.parametrize("purpose", ["seal", "hmac", "sign"])
def test_what_it_says_to_put_into_the_configuration_works(
    call: Call, purpose: str, name: str
) -> None:
    """Copied from the terminal into a hookgate.toml that has all sections, where it says; nobody is
    warned of the file's mode.
    """
    told = call("keys", "new", purpose, name).out
    section, _, said = told.partition("In hookgate.toml, below ")[2].partition(":\n")
    assert ("With the first key give audit.path a new name" in told) is (purpose == "seal")
    call("config", "init")
    template = Path("hookgate.toml").read_text()
    Path("hookgate.toml").write_text(template.replace(f"{section}\n", f"{section}\n{said}"))
    config = load("hookgate.toml", None, {})
    assert config.warnings == ()
    key = Path(name).read_bytes().strip()
    assert key in (
        config.audit.seal_key,
        config.audit.key,
        *[b"whsec_" + base64.b64encode(key) for key in config.upstream.sign_keys],
    )
    assert call("config", "check").status == 0
    shown = call("config", "show").out
    assert to_json(str(Path(name).absolute())) in shown
    assert key.decode().removeprefix("whsec_") not in shown


def test_what_it_says_of_a_quarantine_works_and_tells_no_secret(call: Call) -> None:
    """The public key that it prints is that of the file; nothing else of the file is shown."""
    told = call("keys", "new", "quarantine", "own.key").out
    section, _, said = told.partition("In hookgate.toml, below ")[2].partition(":\n")
    call("config", "init")
    template = Path("hookgate.toml").read_text()
    Path("hookgate.toml").write_text(template.replace(f"{section}\n", f"{section}\n{said}"))
    config = load("hookgate.toml", None, {}).quarantine
    encrypted = parse_recipients(config.recipients).encrypt(b"a body")
    assert parse_identities(Path("own.key").read_bytes()).decrypt(encrypted) == b"a body"
    assert Path(config.path).is_absolute()
    assert "another user than the gate's" in told
    assert f"needs the public key alone: {config.recipients[0]}" in told
    assert "AGE-SECRET-KEY-" not in told


@pytest.mark.parametrize(
    ("key", "purpose"), [("audit.seal_key_file", "seal"), ("audit.key_file", "hmac")]
)
def test_a_key_to_sign_with_is_no_other_key_and_the_command_that_is_offered_makes_one(
    call: Call, key: str, purpose: str
) -> None:
    """Also on a later line; followed to the letter."""
    call("keys", "new", "sign", "my sign.key")
    url = {"upstream.url": "http://127.0.0.1:1"}
    for before in ("", "0" * 32 + "\n"):
        Path("my sign.key").write_text(before + Path("my sign.key").read_text())
        with pytest.raises(ConfigError) as caught:
            load(None, {**url, key: "my sign.key"}, {})
        [line] = caught.value.problems
        assert "holds a key to sign with" in line
    command = shlex.split(line.partition("made with: ")[2])
    assert command[:4] == ["hookgate", "keys", "new", purpose]
    assert call(*command[1:]).status == 0
    named = line.partition('set it to "')[2].partition('"')[0]
    load(None, {**url, key: named}, {})


def test_a_file_that_is_there_is_not_overwritten(call: Call) -> None:
    """Whatever was sealed with it could not be proved any more."""
    Path("old.key").write_text("as it was")
    result = call("keys", "new", "seal", "old.key")
    assert result.status == 2
    assert "old.key is there already" in result.err
    assert Path("old.key").read_text() == "as it was"
    assert call("keys", "new", "seal", "no/folder.key").status == 1


def test_a_seal_key_is_changed_by_putting_the_new_one_above(call: Call) -> None:
    """The new one seals from the next start on; ledgers of both hold, and the state is believed."""
    call("keys", "new", "seal", "old.key")
    call("keys", "new", "seal", "new.key")
    old, new = (Path(name).read_bytes() for name in ("old.key", "new.key"))
    path = Path("hookgate-audit.jsonl")
    Book(path, seal_key=old.strip(), boot="b0").close()
    Path("seal.key").write_bytes(new + old)
    Book(path, seal_key=(new + old).strip(), boot="b1").close()
    assert call("audit", "verify", "--seal-key", "seal.key", "--json").json["findings"] == []
    both = ("--seal-key", "new.key", "--seal-key", "old.key")
    assert call("audit", "verify", *both, "--json").json["findings"] == []
    alone = call("audit", "verify", "--seal-key", "new.key", "--json").json
    assert [finding["kind"] for finding in alone["findings"]] == ["sealed"]
