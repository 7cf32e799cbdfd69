"""Keys that are taken and refused, and files that are read and not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.quarantine.encryption import (
    DecryptionError,
    QuarantineKeyError,
    make_identity,
    parse_identities,
    parse_recipients,
)
from support.kept import IDENTITIES, PUBLIC, SECRET

BODY = b"POST / HTTP/1.1\r\n\r\n\x00\xff"
SEALED = parse_recipients([PUBLIC]).encrypt(BODY)
OTHER, OTHER_PUBLIC = make_identity()

RECIPIENTS: dict[str, tuple[list[str], str]] = {
    "none": ([], "names no recipient; make one with: hookgate keys new quarantine FILE"),
    "too many": ([PUBLIC] * 9, "names more than 8 recipients"),
    "twice": ([PUBLIC, PUBLIC], "names recipient 2 twice"),
    "a secret key": ([PUBLIC, SECRET], "recipient 2 that is a secret key"),
    "a secret key, else spelt": ([f" {SECRET.lower()}"], "recipient 1 that is a secret key"),
    "an SSH key": (["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"], "recipient 1 that is an SSH key"),
    "a plugin's": (["age1yubikey1" + "q" * 60], "recipient 1 that is an age key of another kind"),
    "post-quantum": (["age1pq1" + "q" * 1000], "recipient 1 that is an age key of another kind"),
    "cut off": ([PUBLIC[:-1]], "recipient 1 that is no age public key"),
    "a letter wrong": ([PUBLIC[:-1] + ("q" if PUBLIC[-1] != "q" else "p")], "copy the whole key"),
    "in capitals": ([PUBLIC.upper()], "no age public key"),
    "empty": ([""], "no age public key"),
    "white space": ([f"{PUBLIC}\n"], "age"),
    "no text": (["\udcff"], "no age public key"),
    "a comment": (["# public key: " + PUBLIC], "no age public key"),
}


@pytest.mark.parametrize("name", RECIPIENTS)
def test_recipients_that_are_none_are_named_and_mended(name: str) -> None:
    """No part of a secret is told."""
    texts, said = RECIPIENTS[name]
    with pytest.raises(QuarantineKeyError) as caught:
        parse_recipients(texts)
    assert said in str(caught.value)
    assert SECRET[16:30].lower() not in str(caught.value).lower()


IDENTITY_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "holds no secret key"),
    "comments alone": (b"# created: 2026\n\n# none\n", "holds no secret key"),
    "a public key": (b"# it\n" + PUBLIC.encode(), "has a public key in line 2"),
    "cut off": (SECRET[:-1].encode(), "has no secret key of age in line 1"),
    "another key": (b"whsec_MTIz\n", "has no secret key of age in line 1"),
    "bytes": (b"\xff\x00\n", "has no secret key of age in line 1"),
    "encrypted": (SEALED, "is encrypted itself; decrypt it first"),
    "encrypted, armoured": (b"-----BEGIN AGE ENCRYPTED FILE-----\n", "is encrypted itself"),
    "a good one and a bad one": (f"{SECRET}\n{SECRET[:-2]}\n".encode(), "in line 2"),
}


@pytest.mark.parametrize("name", IDENTITY_FILES)
def test_identity_files_that_are_none_are_told_from_others(name: str) -> None:
    content, said = IDENTITY_FILES[name]
    with pytest.raises(QuarantineKeyError) as caught:
        parse_identities(content)
    assert said in str(caught.value)
    assert SECRET[16:30].lower() not in str(caught.value).lower()


def test_any_of_the_recipients_can_read() -> None:
    """And one who has several keys, with comments and Windows' line ends between them."""
    sealed = parse_recipients([PUBLIC, OTHER_PUBLIC]).encrypt(BODY)
    for text in (SECRET, OTHER, f"{OTHER}\r\n# and\r\n\r\n{SECRET}\r\n"):
        assert parse_identities(text.encode()).decrypt(sealed) == BODY


def test_nobody_else_can_read() -> None:
    with pytest.raises(DecryptionError, match="is encrypted to other keys than the identity's"):
        parse_identities(OTHER.encode()).decrypt(SEALED)


def test_equal_bodies_are_no_equal_files() -> None:
    """Whoever sees two files cannot tell whether they hold the same."""
    recipients = parse_recipients([PUBLIC])
    assert recipients.encrypt(BODY) != recipients.encrypt(BODY)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_a_file_that_was_altered_is_not_read(place: int, change: int) -> None:
    altered = bytearray(SEALED)
    altered[place] ^= change
    with pytest.raises(DecryptionError):
        IDENTITIES.decrypt(bytes(altered))


@given(st.integers(0, len(SEALED) - 1))
def test_a_file_that_was_cut_off_is_not_read(length: int) -> None:
    with pytest.raises(DecryptionError):
        IDENTITIES.decrypt(SEALED[:length])


@given(st.binary(max_size=200) | st.binary(max_size=200).map(SEALED[:120].__add__))
def test_a_file_of_another_hand_is_not_read(data: bytes) -> None:
    with pytest.raises(DecryptionError):
        IDENTITIES.decrypt(data)


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    for call in (
        make_identity,
        lambda: parse_recipients([PUBLIC]),
        lambda: IDENTITIES.decrypt(b""),
    ):
        with pytest.raises(QuarantineKeyError, match=r"pip install 'hookgate\[quarantine\]'"):
            call()


def test_a_gate_without_a_quarantine_does_not_import_the_package() -> None:
    code = (
        "import sys, hookgate.gate.gate, hookgate.quarantine.store; print('pyrage' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.fixture
def age() -> str:
    program = shutil.which("age")
    if program is None:
        pytest.skip("no age; apt-get install age")
    return program


def test_debians_age_reads_what_is_written_and_writes_what_is_read(
    age: str, tmp_path: Path
) -> None:
    """With an identity file as it is made here."""
    key = tmp_path / "key"
    key.write_text(OTHER)
    sealed = parse_recipients([OTHER_PUBLIC]).encrypt(BODY)
    command = [age, "-d", "-i", str(key)]
    assert subprocess.run(command, input=sealed, capture_output=True, check=True).stdout == BODY
    command = [age, "-r", OTHER_PUBLIC]
    theirs = subprocess.run(command, input=BODY, capture_output=True, check=True).stdout
    assert parse_identities(OTHER.encode()).decrypt(theirs) == BODY


def test_age_keygen_takes_the_identity_file_for_its_own(age: str) -> None:
    """It finds the same public key, and its files are read here."""
    keygen = f"{age}-keygen"
    told = subprocess.run([keygen, "-y"], input=OTHER, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == OTHER_PUBLIC
    theirs = subprocess.run([keygen], capture_output=True, text=True, check=True).stdout
    (public,) = [line[14:] for line in theirs.splitlines() if line.startswith("# public key: ")]
    sealed = parse_recipients([public]).encrypt(BODY)
    assert parse_identities(theirs.encode()).decrypt(sealed) == BODY
