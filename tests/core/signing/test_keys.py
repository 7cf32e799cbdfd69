"""A file of keys to sign with: what is taken, and what is said of the rest."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.signing.keys import LONGEST, SHORTEST, SignKeysError, parse_sign_keys


def line(key: bytes) -> bytes:
    return b"whsec_" + base64.b64encode(key)


ONE, OTHER = bytes(range(32)), bytes(range(32, 64))
KEYS = st.lists(st.binary(min_size=SHORTEST, max_size=LONGEST), min_size=1, max_size=2, unique=True)
SPACES = st.sampled_from([b"", b" ", b"\t", b"  "])
ENDS = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \n"])


@given(KEYS, SPACES, ENDS)
def test_one_or_two_keys_are_read_in_their_order(
    keys: list[bytes], space: bytes, end: bytes
) -> None:
    """With white space around them, and lines as any editor ends them."""
    content = end.join([space + line(key) + space for key in keys])
    assert parse_sign_keys(content) == parse_sign_keys(content + end) == tuple(keys)


WRONG = {
    "nothing": (b"", "holds no key"),
    "white space": (b" \n\t\n", "holds no key"),
    "a seal key": (b"00" * 32, "holds no key to sign with in line 1"),
    "a seal key below": (line(ONE) + b"\n" + b"00" * 32, "holds no key to sign with in line 2"),
    "base64 alone": (base64.b64encode(ONE), "holds no key to sign with in line 1"),
    "another mark": (b"whsk_" + base64.b64encode(ONE), "holds no key to sign with in line 1"),
    "a mark in capitals": (line(ONE).upper(), "holds no key to sign with in line 1"),
    "PEM": (b"-----BEGIN PRIVATE KEY-----", "holds no key to sign with in line 1"),
    "bytes": (bytes(range(128, 256)), "holds no key to sign with in line 1"),
    "no base64": (b"whsec_hello world, hello there", "holds no base64 behind whsec_ in line 1"),
    "base64 of URLs": (b"whsec_" + b"-_" * 22, "holds no base64 behind whsec_ in line 1"),
    "no end": (line(ONE).rstrip(b"="), "holds no base64 behind whsec_ in line 1"),
    "two on a line": (line(ONE) + b" " + line(OTHER), "holds no base64 behind whsec_ in line 1"),
    "a mark alone": (b"whsec_", "holds a key of 0 bytes in line 1, not of 24 to 64"),
    "23 bytes": (line(bytes(23)), "holds a key of 23 bytes in line 1, not of 24 to 64"),
    "65 bytes": (line(bytes(65)), "holds a key of 65 bytes in line 1, not of 24 to 64"),
    "the same twice": (line(ONE) + b"\n" + line(ONE), "holds the same key twice"),
    "three": (b"\n".join(map(line, (ONE, OTHER, bytes(24)))), "holds 3 keys"),
    "two, and one again": (b"\n".join(map(line, (ONE, OTHER, ONE))), "holds the same key twice"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), WRONG.values(), ids=WRONG)
def test_anything_else_is_refused(content: bytes, words: str) -> None:
    """It says what is wrong and where."""
    with pytest.raises(SignKeysError, match=f"^{re.escape(words)}"):
        parse_sign_keys(content)


@given(st.binary(max_size=200) | st.binary(max_size=80).map(line))
def test_whatever_a_file_holds_no_part_of_it_is_told(content: bytes) -> None:
    """Or else it is a key."""
    told = ""
    try:
        [key] = parse_sign_keys(content)
        assert SHORTEST <= len(key) <= LONGEST
    except SignKeysError as error:
        told = str(error)
    assert re.fullmatch(
        r"(holds (no key|no key to sign with in line \d+: such a key begins with whsec_, and "
        r"those that seal or hash do not|no base64 behind whsec_ in line \d+|"
        r"a key of \d+ bytes in line \d+, not of 24 to 64))?",
        told,
    )
