"""Files of keys: what is said of one that cannot be used, and that the mend is one."""

import base64
import re
import shlex
from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.config.reload import ReloadableConfig
from support.calling import Call, caller
from support.problems import MINIMAL, URL, problem, write

SIGNING = "upstream.sign_key_file"
KEYS = {SIGNING: "sign", "audit.seal_key_file": "seal", "audit.key_file": "hmac"}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(capsys)


def line(number: int, length: int = 32) -> str:
    return "whsec_" + base64.b64encode(bytes([number] * length)).decode() + "\n"


ONE, TWO, THREE = map(line, (1, 2, 3))
NEW_KEY = {
    "": "holds no key",
    "\n\n": "holds no key",
    f"{'00' * 32}\n": "holds no key to sign with in line 1: such a key begins with whsec_",
    f"{ONE}{'00' * 32}\n": "holds no key to sign with in line 2: such a key begins with whsec_",
    "whsec_0123456789-_\n": "holds no base64 behind whsec_ in line 1",
    line(1, 23): "holds a key of 23 bytes in line 1, not of 24 to 64",
    ONE + line(1, 65): "holds a key of 65 bytes in line 2, not of 24 to 64",
}


@pytest.mark.parametrize("name", ["sign", "my 'own' key"])
@pytest.mark.parametrize(("content", "words"), NEW_KEY.items())
def test_a_key_that_cannot_sign_is_refused_and_the_command_that_is_offered_makes_one(
    call: Call, content: str, words: str, name: str
) -> None:
    """Followed to the letter. Nothing that the file holds is shown."""
    Path(name).write_text(content)
    said = problem(keys={SIGNING: name})
    assert said.startswith(f'{SIGNING} = "{name}" {words}')
    assert not [part for part in content.split() if part.removeprefix("whsec_") in said]
    named = said.partition('set it to "')[2].partition('"')[0]
    command = shlex.split(said.partition("made with: ")[2])
    assert call(*command[1:]).status == 0
    assert len(load(None, {**URL, SIGNING: named}, {}).upstream.sign_keys) == 1


@pytest.mark.parametrize(
    ("content", "words", "mended"),
    [
        (ONE + ONE, "holds the same key twice; remove one of the two lines", ONE),
        (
            ONE + TWO + THREE,
            "holds 3 keys; remove every line below the second: there are two while they change",
            ONE + TWO,
        ),
    ],
)
def test_too_many_keys_are_refused_and_the_mend_works(
    content: str, words: str, mended: str
) -> None:
    Path("keys").write_text(content)
    assert problem(keys={SIGNING: "keys"}) == f'{SIGNING} = "keys" {words}'
    Path("keys").write_text(mended)
    assert load(None, {**URL, SIGNING: "keys"}, {})


@pytest.mark.parametrize("key", KEYS)
def test_a_file_of_keys_that_is_not_there_is_made_with_the_command_that_is_offered(
    call: Call, key: str
) -> None:
    """Where its folder is there; what looks like a key itself is not repeated."""
    said = problem(keys={key: "not there"})
    here = f"No such file or directory in {Path.cwd()}"
    command = shlex.split(said.partition(f"{here}; make it with: ")[2])
    assert command == ["hookgate", "keys", "new", KEYS[key], str(Path("not there").absolute())]
    assert call(*command[1:]).status == 0
    assert load(None, {**URL, key: "not there"}, {}).warnings == ()
    for path in ("no folder/key", "0" * 32):
        assert problem(keys={key: path}).endswith(here)


def test_keys_to_sign_with_are_in_no_text_and_read_again_at_a_reload() -> None:
    """Also where only another file has changed; what cannot be used changes nothing."""
    Path("keys").write_text(ONE)
    Path("keys").chmod(0o600)
    live = ReloadableConfig(write(f'{MINIMAL}sign_key_file = "keys"\n'), {})
    assert live.current.upstream.sign_keys == (bytes([1] * 32),)
    Path("keys").write_text(TWO + ONE)
    for read in (live.load_again, live.rebuild_from_files):
        config = read()
        assert config.upstream.sign_keys == (bytes([2] * 32), bytes([1] * 32))
        assert config != live.current
        for key in config.upstream.sign_keys:
            assert repr(key) not in repr(config)


@pytest.mark.parametrize("key", ["audit.seal_key_file", "audit.key_file"])
def test_a_key_that_signs_notes_is_no_secret_of_the_ledgers(call: Call, key: str) -> None:
    """The command that is offered makes the right one."""
    assert (
        call("keys", "new", "anchor", "notes", "--name", "gate1.example.com/hookgate").status == 0
    )
    said = problem(keys={key: "notes"})
    assert "holds a key of anchor, to sign notes with (it begins with PRIVATE+KEY+)" in said
    command = shlex.split(said.partition("made with: ")[2])
    assert call(*command[1:]).status == 0
    assert load(None, {**URL, key: command[-1]}, {}).warnings == ()


@pytest.mark.parametrize("key", ["audit.seal_key_file", "audit.key_file"])
@pytest.mark.parametrize("purpose", ["anchor", "quarantine"])
def test_a_public_key_is_no_secret(key: str, purpose: str, call: Call) -> None:
    """Everybody has it: what it would seal proves nothing."""
    name = ("--name", "gate1.example.com/hookgate") if purpose == "anchor" else ()
    told = call("keys", "new", purpose, "secret", *name).out
    public = Path("secret.pub")
    if purpose == "quarantine":
        public.write_text(re.search(r"age1[0-9a-z]+", told.replace("\n", ""))[0])  # type: ignore[index]  # it is there
    assert "holds a public key, which is no secret; set it to" in problem(keys={key: "secret.pub"})
