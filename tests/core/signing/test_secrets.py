"""Secret files, one secret a line."""

import contextlib
from hashlib import sha256
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.signing.schemes import SCHEMES
from hookgate.signing.secrets import mark, split_secrets

STANDARD, TEXT = SCHEMES["standard-webhooks"], SCHEMES["cm-email"]
GOOD = b"whsec_bmV3IHNlY3JldCBvZiB0aGUgY29ycHVz"


def test_each_line_is_a_secret() -> None:
    """Blank lines and the white space around a secret are none of it."""
    assert split_secrets(b"\n the first secret, 1 \r\nthe second one, 22\n\n", TEXT) == (
        b"the first secret, 1",
        b"the second one, 22",
    )
    assert split_secrets(GOOD + b"\n", STANDARD) == (b"new secret of the corpus",)


@pytest.mark.parametrize(
    ("content", "scheme", "said"),
    [
        (b"", TEXT, "holds no secret"),
        (b" \n\t\n", STANDARD, "holds no secret"),
        (b"too short", TEXT, "fewer than 16 bytes in line 1"),
        (b"long enough for all\nshort", TEXT, "in line 2"),
        (b"twice in this file\ntwice in this file", TEXT, "a secret twice"),
        (b"\n".join(b"secret number %06d" % n for n in range(9)), TEXT, "more than 8 secrets"),
        (b"bmV3IHNlY3JldCBvZiB0aGUgY29ycHVz", STANDARD, "does not begin with whsec_"),
        (b"whsec_not base64!", STANDARD, "no base64"),
        (b"whsec_bmV3", STANDARD, "not of 24 to 64 bytes"),
        (b"whsec_" + b"QUFB" * 22, STANDARD, "not of 24 to 64 bytes"),
        (b"whpk_" + b"QUFB" * 8, STANDARD, "asymmetric"),
        (b"whsk_" + b"QUFB" * 8, STANDARD, "asymmetric"),
    ],
)
def test_what_cannot_be_used_is_said(content: bytes, scheme: object, said: str) -> None:
    """With the line, and without the secret."""
    with pytest.raises(ValueError, match=said) as raised:
        split_secrets(content, scheme)  # type: ignore[arg-type]  # one of two
    words = str(raised.value).split()
    assert not [part for part in content.decode().split() if len(part) > 9 and part in words]


@given(st.binary(max_size=400), st.sampled_from(list(SCHEMES.values())))
def test_whatever_a_file_holds_there_is_an_answer(content: bytes, scheme: object) -> None:
    """Secrets that are long enough, or a ValueError."""
    with contextlib.suppress(ValueError):
        assert all(len(secret) >= 16 for secret in split_secrets(content, scheme))  # type: ignore[arg-type]  # one of three


def test_a_mark_tells_secrets_apart_and_is_dear_to_guess_by() -> None:
    """It is a part of digests in every ledger line; a hash alone is a million guesses a second."""
    secrets = [b"one that a person chose", b"two that a person chose"]
    began = process_time()
    marks = list(map(mark, secrets))
    took = process_time() - began
    began = process_time()
    for _ in range(200):
        sha256(secrets[0]).hexdigest()
    assert took > process_time() - began
    assert len(set(marks)) == 2
    assert list(map(mark, secrets)) == marks
