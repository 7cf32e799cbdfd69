"""Signed notes: a published vector, and whatever is altered in one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.proof.checkpoint import Checkpoint
from hookgate.proof.note import NoteError, Signer, Verifier, open_note

# Of Go's sumdb/note (golang.org/x/mod, note_test.go).
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_TEXT = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.
"""
PUBLISHED_SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
SIGNER = Signer.make("gate1.example.com/hookgate")
OTHER = Signer.make("gate2.example.com/hookgate")
HEAD = Checkpoint("gate1.example.com/hookgate/boot", 12, b"\7" * 32)
NOTE = SIGNER.sign(HEAD.text, 1_700_000_000)


def test_a_published_note_is_verified() -> None:
    note = f"{PUBLISHED_TEXT}\n— PeterNeumann {PUBLISHED_SIGNATURE}\n"
    opened = open_note(note.encode(), [Verifier.parse(PUBLISHED_KEY)])
    assert (opened.text, opened.time) == (PUBLISHED_TEXT, None)


def test_what_is_signed_comes_back_with_its_time() -> None:
    opened = open_note(NOTE, [OTHER.verifier, SIGNER.verifier])
    assert opened.time == 1_700_000_000
    assert opened.by == SIGNER.verifier
    assert Checkpoint.parse(opened.text) == HEAD


def test_keys_come_back_from_their_files() -> None:
    assert Signer.parse(SIGNER.reveal() + "\n") == SIGNER
    assert Verifier.parse(f"{SIGNER.verifier}\n") == SIGNER.verifier
    assert SIGNER.seed.hex() not in repr(SIGNER)


def test_a_note_of_one_name_and_another_key_is_not_believed() -> None:
    """The name is the same, the key is not: as if another had signed."""
    namesake = Signer.make(SIGNER.name)
    with pytest.raises(NoteError, match="not by a key that is trusted"):
        open_note(NOTE, [namesake.verifier])
    assert open_note(NOTE, [namesake.verifier, SIGNER.verifier]).by == SIGNER.verifier


@given(place=st.integers(0, len(NOTE) - 1), byte=st.integers(0, 255))
def test_no_byte_of_a_note_can_be_altered(place: int, byte: int) -> None:
    altered = NOTE[:place] + bytes([byte]) + NOTE[place + 1 :]
    if altered == NOTE:
        return
    try:
        opened = open_note(altered, [SIGNER.verifier])
    except NoteError:
        return
    # One of both signatures may become another's, which is ignored.
    assert opened.text == HEAD.text


@given(st.binary(max_size=200))
def test_whatever_bytes_there_are_no_note_is_made_of_them(noise: bytes) -> None:
    with pytest.raises(NoteError):
        open_note(noise, [SIGNER.verifier])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no private key"),
        (str(SIGNER.verifier), "no private key"),
        (SIGNER.reveal().replace("gate1", "gate9"), "do not fit"),
        ("PRIVATE+KEY+a+00000000+AAAA", "another kind"),
        ("PRIVATE+KEY+a", "no key"),
    ],
    # The same in each process, which the key is not.
    ids=["nothing", "public", "renamed", "kind", "cut"],
)
def test_what_is_no_private_key_is_refused(text: str, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        Signer.parse(text)


def test_the_private_key_is_not_taken_for_the_public_one() -> None:
    with pytest.raises(NoteError, match="whoever verifies needs the public one"):
        Verifier.parse(SIGNER.reveal())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        "a\n1\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 44 + "\n",
        "a\n-1\nAA==\n",
    ],
)
def test_what_is_no_head_of_a_tree_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)
