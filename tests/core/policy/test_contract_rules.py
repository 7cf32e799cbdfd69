"""What a contract says beside its schema."""

import pytest

from hookgate.policy import ContractError
from hookgate.policy.contract_rules import READ, ContractRules, parse_rules
from hookgate.policy.retry import RetryRule
from hookgate.settings import AnswerMode


def test_without_a_file_it_is_answered_200_and_read_as_events_are() -> None:
    """Of an own schema nobody knows how long it is tried again."""
    assert parse_rules(b"") == ContractRules(AnswerMode.OK, None, False, READ)


def test_all_that_it_may_say_is_read() -> None:
    """Pointers are taken apart; of several the first that leads to a value counts."""
    rules = parse_rules(b"""
        answer = "relay"
        [retry]
        tries = 3
        span = "24h"
        assumed = true
        [record]
        reference = ["/message/id", "/id"]
        names = ["/*/MailID", "/a~1b/~0c"]
        from = "/from"
    """)
    assert (rules.answer, rules.retry, rules.assumed) == (
        AnswerMode.RELAY,
        RetryRule(3, 86_400),
        True,
    )
    assert {name: found for name, found in rules.read.items() if found} == {
        "reference": (("message", "id"), ("id",)),
        "names": (("*", "MailID"), ("a/b", "~c")),
        "from": (("from",),),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff", "not UTF-8"),
        (b"answer = ", "no TOML"),
        (b"a = " + b"[" * 5000, "no TOML"),
        (b"anser = '200'", "anser is no key; there are answer, retry, record"),
        (b"answer = 200", 'answer = 200 is none of "200", "relay"'),
        (b"answer = '204'", 'answer = "204" is none of "200", "relay"'),
        (b"retry = 3", r"retry = 3 is a table; write \[retry\]"),
        (b"[retry]\nassumed = true", "neither tries nor span"),
        (b"[retry]\ntries = '3'", 'retry.tries = "3" is no whole number'),
        (b"[retry]\ntries = true", "retry.tries = true is no whole number"),
        (b"[retry]\ntries = 0", "tries that are not between"),
        (b"[retry]\nspan = 24", "retry.span = 24 is no text"),
        (b"[retry]\nspan = 'a day'", "is no retry rule"),
        (b"[retry]\ntimes = 3", "retry.times is no key; there are tries, span, assumed"),
        (b"[retry]\ntries = 1\nassumed = 1", "retry.assumed = 1 is neither"),
        (b"[record]\nto = 'to'", 'record.to = "to" is no JSON pointer'),
        (b"[record]\nto = [['/to']]", "is no JSON pointer"),
        (b"[record]\nphone = '/to'", "record.phone is no key"),
    ],
)
def test_what_is_wrong_is_named(text: bytes, said: str) -> None:
    """The key, its value and a mend."""
    with pytest.raises(ContractError, match=said):
        parse_rules(text)
