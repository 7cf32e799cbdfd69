"""What a contract says beside its schema."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.policy import RulesError
from hookgate.policy.contract_rules import READ, ContractRules, parse_rules
from hookgate.policy.event_reader import EventReader
from hookgate.policy.retry import RetryRule
from hookgate.settings import AnswerMode
from support.examples import many


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


WRONG = {
    b"\xff": "not UTF-8; save it as UTF-8",
    "answer = '200'".encode("utf-16"): "not UTF-8; save it as UTF-8",
    b"answer = ": "no TOML: ",
    b"a = " + b"[" * 5000: "no TOML: ",
    b"a = " + b"9" * 5000: "no TOML: ",
    b"answer = '200'\nanswer = '200'": "no TOML: ",
    b"anser = '200'": "anser is no key; did you mean answer?",
    b"zzz = '200'": "zzz is no key; there are answer, retry, record",
    b"answer = 200": 'answer = 200 is none of "200", "relay"',
    b"answer = '204'": 'answer = "204" is none of "200", "relay"',
    b"answer = 0x" + b"f" * 5000: 'answer = ... is none of "200", "relay"',
    b"answer = '" + b"2" * 5000 + b"'": f'answer = "{"2" * 79}... is none of "200", "relay"',
    b"answer = 2025-09-03": 'answer = "2025-09-03" is none of',
    b"answer" + b".a" * 900 + b" = 1": "answer = ",
    b"retry = 3": "retry = 3 is no table; write [retry] and its keys below",
    b"[[retry]]\ntries = 3": 'retry = [{"tries": 3}] is no table; write [retry]',
    b"record = ''": 'record = "" is no table; write [record]',
    b"[retry]": "[retry] has neither tries nor span; give it one, or leave it out",
    b"[retry]\nassumed = true": "[retry] has neither tries nor span",
    **{
        b"[retry]\ntries = " + value: f"retry.tries = {told} is no whole number from 1 to 1000000"
        for value, told in (
            *((b"0", "0"), (b"-3", "-3"), (b"1000001", "1000001"), (b"true", "true")),
            *((b"1.5", "1.5"), (b"nan", "NaN"), (b"'3'", '"3"'), (b"[3]", "[3]")),
        )
    },
    **{
        b"[retry]\nspan = " + value: f'retry.span = {told} is no span from "1s" to "366d"'
        for value, told in (
            *((b"24", "24"), (b"'a day'", '"a day"'), (b"'0s'", '"0s"'), (b"'10y'", '"10y"')),
            *((b"'3650d'", '"3650d"'), (b"'367d'", '"367d"'), (b"'3 tries'", '"3 tries"')),
            *((b"''", '""'), (b"'-1h'", '"-1h"'), (b"'9999999999s'", '"9999999999s"')),
        )
    },
    b"[retry]\nspans = '1h'\ntries = 1": "retry.spans is no key; did you mean span?",
    b"[retry]\ntries = 1\nassumed = 1": "retry.assumed = 1 is neither true nor false",
    b"[record]\nto = 'to/number'": 'record.to = "to/number" is no JSON pointer; write "/to/number"',
    b"[record]\nto = ''": 'record.to = "" is no JSON pointer; write one like "/from/number"',
    b"[record]\nto = [['/to']]": 'record.to = ["/to"] is no JSON pointer; write one like',
    b"[record]\nto = '/" + b"a" * 256 + b"'": "is no JSON pointer",
    b"[record]\nto = [" + b"'/a'," * 17 + b"]": "record.to has 17 pointers; keep the first 16",
    b"[record]\nform = '/to'": "record.form is no key; did you mean from?",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items())
def test_what_is_wrong_is_named(text: bytes, said: str) -> None:
    """The key, its value and a mend, in one line that is not long."""
    with pytest.raises(RulesError) as caught:
        parse_rules(text)
    (problem,) = caught.value.problems
    assert problem.startswith(said) or (said in problem and len(said) < 30)
    assert len(problem) < 300
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(("to", ("to",)), ("to/number", ("to", "number")), ("to.number", ("to", "number"))),
        *(("$.to.number", ("to", "number")), ("$['to'][\"number\"]", ("to", "number"))),
        *(("$.a[*].b", ("a", "*", "b")), ("$[0].b", ("*", "b")), ("$", None), ("$..b", None)),
        *(("#/to/number", ("to", "number")), ("#to", ("to",)), (" /to ", ("to",))),
        *(("/a~", ("a~",)), ("/a~2", ("a~2",)), ("/~~1", ("~/",)), ("a~b", ("a~b",))),
        *(("", None), (".", None), ("a//b", None), (5, None), (["/to"], None)),
        *(("/" + "a" * 256, None), ("a." * 200, None), ("caf\u00e9.x", ("caf\u00e9", "x"))),
    ],
)
def test_the_mend_of_a_pointer_is_one(written: object, meant: tuple[str, ...] | None) -> None:
    """Written to the letter it is taken, and leads where it was meant to."""
    text = "[record]\nto = {}\n"
    with pytest.raises(RulesError) as caught:
        parse_rules(text.format(json.dumps([written])).encode())
    (problem,) = caught.value.problems
    mend = problem.partition("; write ")[2].removeprefix("one like ")
    assert parse_rules(text.format(mend).encode()).read["to"] == (meant or ("from", "number"),)


def test_of_very_many_problems_the_mend_costs_little() -> None:
    """A mend that nobody is told is not looked for."""
    with pytest.raises(RulesError) as caught:
        parse_rules(b"\n".join(b"recrd%d = 1" % n for n in range(20_000)))
    assert len(caught.value.problems) == 20_000
    assert caught.value.problems[0] == "recrd0 is no key; did you mean record?"
    assert caught.value.problems[-1] == "recrd19999 is no key; "


def test_every_problem_is_told_at_once() -> None:
    """Each once, in the order of the keys."""
    text = (
        b"anser = 1\nanswer = 2\n[retry]\ntries = 0\nspan = '0s'\n[record]\nto = ['a', 1]\nx = ''"
    )
    with pytest.raises(RulesError) as caught:
        parse_rules(text)
    assert [problem.split()[0] for problem in caught.value.problems] == [
        *("anser", "answer", "retry.tries", "retry.span", "record.x", "record.to", "record.to"),
    ]


KEYS = st.sampled_from(["answer", "retry", "record", "tries", "span", "names", "from", "to", "x"])
VALUES = st.recursive(
    st.sampled_from(["'200'", "'relay'", "3", "0", "-1", "'24h'", "'/a'", "'/*/b'", "true", "1e9"])
    | st.integers().map(str)
    | st.text(st.characters(codec="utf-8", exclude_characters="'\r\n")).map("'{}'".format),
    lambda inner: (
        st.lists(inner, max_size=20).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(KEYS, inner, max_size=3).map(
            lambda table: f"{{{', '.join(f'{key} = {value}' for key, value in table.items())}}}"
        )
    ),
    max_leaves=8,
)
LINES = st.tuples(KEYS, VALUES).map(" = ".join) | KEYS.map("[{}]".format) | st.text(max_size=20)


@settings(max_examples=many(300), deadline=None)
@given(st.lists(LINES, max_size=6).map(lambda lines: "\n".join(lines).encode()) | st.binary())
def test_whatever_a_file_holds_it_is_read_or_refused_in_words(text: bytes) -> None:
    """And what is read can be recorded by, whatever comes."""
    try:
        rules = parse_rules(text)
    except RulesError:
        return
    assert rules.retry is None or RetryRule.parse(rules.retry.text) == rules.retry
    record: dict[str, object] = {}
    EventReader(rules.read).read({"a": [{"b": "c"}], "reference": 7}, record, str)
    assert record.keys() <= {*READ}
