"""What may be recorded of an identifier that may be somebody's phone number."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.privacy import Privacy
from hookgate.settings import PersonalData
from support.examples import many

KEY = b"0123456789abcdef"
ANY_TEXT = st.text(st.characters(codec=None, categories=None))


def record(mode: PersonalData, identifier: str, key: bytes = KEY) -> str | None:
    return Privacy(mode, key).record(identifier)


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [
        pytest.param("0031612345678", "***678", id="a phone number"),
        pytest.param("00cm.com_agent", "***ent", id="a name"),
        pytest.param("12345678", "***678", id="the shortest that shows anything"),
        pytest.param("1234567", "***", id="one character less"),
        pytest.param("12", "***", id="shorter than what is shown"),
        pytest.param("", "***", id="empty"),
    ],
)
def test_a_mask_shows_three_characters_of_at_least_eight(identifier: str, shown: str) -> None:
    """Enough to tell two apart, too little to call anybody."""
    assert record(PersonalData.MASK, identifier) == shown


@settings(max_examples=many(200), deadline=None)
@given(ANY_TEXT)
def test_a_mask_never_shows_more_than_three_characters(identifier: str) -> None:
    """Whatever the identifier, at least five of its characters stay hidden or none is shown."""
    shown = record(PersonalData.MASK, identifier)
    assert shown is not None
    assert shown.startswith("***")
    rest = shown.removeprefix("***")
    assert rest == "" or (len(rest) == 3 and len(identifier) >= 8 and identifier.endswith(rest))


@settings(max_examples=many(200), deadline=None)
@given(ANY_TEXT, ANY_TEXT)
def test_a_keyed_digest_tells_equal_from_different_and_nothing_else(one: str, other: str) -> None:
    """Two records correlate exactly where their identifiers are equal."""
    first, second = record(PersonalData.HMAC, one), record(PersonalData.HMAC, other)
    assert first is not None
    assert re.fullmatch(r"hmac:[0-9a-f]{32}", first)
    assert (first == second) == (one == other)
    assert first == record(PersonalData.HMAC, one)


def test_a_keyed_digest_depends_on_the_key() -> None:
    """Without the key nobody can try all the phone numbers there are."""
    number = "0031612345678"
    assert record(PersonalData.HMAC, number) != record(PersonalData.HMAC, number, KEY[::-1])


@pytest.mark.parametrize("identifier", ["0031612345678", "", "\ud800", "\x1b[2J"])
def test_plain_is_the_identifier_and_omit_is_nothing(identifier: str) -> None:
    """The two ends of the choice."""
    assert record(PersonalData.PLAIN, identifier) == identifier
    assert record(PersonalData.OMIT, identifier) is None
