"""The contracts of CM.com's other webhooks: what may come passes, what it cannot be does not."""

import json
from typing import Any

import pytest

from hookgate.config.contracts import load_contract, load_rules
from hookgate.policy import Contract
from hookgate.policy.contract_rules import parse_rules
from hookgate.samples import CONTRACTS, documented_samples
from hookgate.settings import AnswerMode
from support.provider import with_member

SAMPLES = [(contract, name) for contract in CONTRACTS for name in documented_samples(contract)]
COMPILED = {name: Contract(name, load_contract(name)) for name in CONTRACTS}
NOTHING = (None, "", ...)
TEXT, NOW, ROUTER, OLDEST = "whatsapp-text", "whatsapp-media", "router-whatsapp-text", "oldest-sms"


def sample(contract: str, name: str) -> Any:
    return json.loads(documented_samples(contract)[name])


def find(contract: str, document: Any) -> tuple[str, ...]:
    return COMPILED[contract].find(document, len(json.dumps(document)))


@pytest.mark.parametrize(("contract", "name"), SAMPLES)
def test_every_sample_passes_and_holds_nothing_unknown(contract: str, name: str) -> None:
    """In no form that is documented is a member new, or only tolerated."""
    document = sample(contract, name)
    assert find(contract, document) == ()
    assert COMPILED[contract].unknown(document) is None
    assert COMPILED[contract].unusual(document, 500) == ()


def at(
    contract: str, names: tuple[str, ...], pointers: str, values: tuple[Any, ...]
) -> list[tuple[str, str, str, Any]]:
    return [
        (contract, name, pointer, value)
        for name in names
        for pointer in pointers.split()
        for value in values
    ]


PASSES = [
    *at("cm-messages", (TEXT, NOW, OLDEST), "/reference /time", NOTHING),
    *at("cm-messages", (TEXT, NOW, OLDEST), "/reference", ("x", "0042", 0, 2**64 - 1)),
    *at("cm-messages", (TEXT, ROUTER), "/messageContext /from/name /message/text", NOTHING),
    *at("cm-messages", (TEXT, ROUTER), "/message/media /message/custom", (*NOTHING, {})),
    *at("cm-messages", (TEXT, ROUTER), "/groupings", (None, ..., [], ["", None], ["A"] * 4)),
    *at("cm-messages", (NOW,), "/message/media/title /message/media/mediaUri", NOTHING),
    *at("cm-messages", (ROUTER,), "/conversationalRouter", (None, ..., {})),
    *at("cm-messages", (ROUTER,), "/conversationalRouter/chatId", (None, ..., "", 7)),
    *at("cm-messages", (TEXT,), "/from/number /to/number", ("", "x@example.com", "\U0001f600")),
    *at("cm-messages", (TEXT, ROUTER), "/channel", ("", "A channel of tomorrow")),
    *at("cm-messages", (OLDEST,), "/body /from /to", ("", "x")),
    *at("cm-status", ("report",), "/messages/msg/received /messages/msg/operator", NOTHING),
    *at("cm-status", ("report",), "/messages/msg/reference", (*NOTHING, 41)),
    *at("cm-status", ("report",), "/messages/msg/status/errorDescription", NOTHING),
    *at("cm-status", ("report",), "/messages/msg/status/code", ("", "4999", 0, -1)),
    *at("cm-payments", ("finalstatus",), "/payment /reference /transaction", NOTHING),
    *at("cm-payments", ("finalstatus",), "/event", ("A_CHANGE_OF_TOMORROW",)),
    *at("cm-payments", ("finalstatus",), "/createdAt", ("2025-09-03T08:00:05.123456+00:00",)),
]
REFUSED = [
    *at("cm-messages", (TEXT, ROUTER), "/from /to /message /timeUtc /channel", (None, ..., [], 1)),
    *at("cm-messages", (TEXT, ROUTER), "/from/number /to/number", (None, ..., 31, {})),
    *at("cm-messages", (TEXT,), "/timeUtc", ("", "2025-09-03 08:11:05", "2025-02-30T08:11:05")),
    *at("cm-messages", (TEXT,), "/message/text /message/media /message/custom", ([], 0, True)),
    *at("cm-messages", (TEXT,), "/groupings", ("A", {}, [[]], [1])),
    *at("cm-messages", (TEXT, OLDEST), "/reference", (-1, 1.5, True, [], {})),
    *at("cm-messages", (ROUTER,), "/conversationalRouter", ("", [], 1)),
    *at("cm-messages", (OLDEST,), "/from /to /body", (None, ..., [], 1, {})),
    *at("cm-status", ("report",), "/messages /messages/msg", (None, ..., [], "", {})),
    *at("cm-status", ("report",), "/messages/msg/to /messages/msg/status", (None, ..., [], 1)),
    *at("cm-status", ("report",), "/messages/msg/status/code", (None, ..., [], 1.5)),
    *at("cm-payments", ("finalstatus",), "/event /createdAt", (None, ..., [], 1)),
    *at("cm-payments", ("finalstatus",), "/payment", ("x", 1, [])),
]


@pytest.mark.parametrize(("contract", "name", "pointer", "value"), PASSES)
def test_what_is_said_in_another_spelling_passes(
    contract: str, name: str, pointer: str, value: Any
) -> None:
    """Nothing as "" and null, a name in digits, what is added one day."""
    assert find(contract, with_member(sample(contract, name), pointer, value)) == ()


@pytest.mark.parametrize(("contract", "name", "pointer", "value"), REFUSED)
def test_what_cannot_be_one_is_refused(contract: str, name: str, pointer: str, value: Any) -> None:
    """Without what makes it one, or with another type; each finding is there or below."""
    found = find(contract, with_member(sample(contract, name), pointer, value))
    assert found
    form_of_another = pointer == "/from" and name == OLDEST
    assert form_of_another or all(text.startswith(pointer) for text in found)


EMAIL = sample("cm-email", "old-one-event")[0]


@pytest.mark.parametrize(
    ("pointer", "value", "passes"),
    [
        *((pointer, value, True) for pointer, value in [("/MailID", 7), ("/EventType", 3)]),
        *((f"/{name}", None, True) for name in ("CustomerReference", "MailingID", "Information")),
        *((f"/{name}", ..., True) for name in ("CustomerReference", "Timestamp", "TimestampUtc")),
        *((f"/{name}", value, False) for name in ("MailID", "EventType") for value in (None, ...)),
        *((f"/{name}", [], False) for name in ("MailID", "CustomerReference", "TimestampUtc")),
    ],
)
def test_every_event_of_a_list_is_held_to_the_contract(
    pointer: str, value: Any, passes: bool
) -> None:
    """Wherever it stands there, and by its place."""
    changed = with_member(EMAIL, pointer, value)
    for place, document in enumerate(([changed, EMAIL], [EMAIL, changed])):
        found = find("cm-email", document)
        assert [text.partition(":")[0] for text in found] == (
            [] if passes else [f"/{place}{pointer}"]
        )


def test_a_list_without_an_event_passes() -> None:
    """Nothing documented rules it out, and a refusal would have it sent again."""
    assert find("cm-email", []) == ()


def test_new_members_of_a_lists_objects_are_counted() -> None:
    """And each object that has some is pointed to."""
    document = [{**EMAIL, "new": 1}, EMAIL, {**EMAIL, "a": 1, "b": 2}]
    assert find("cm-email", document) == ()
    assert COMPILED["cm-email"].unknown(document) == (3, ("/0", "/2"))


RULES = {
    "cm-events": ("3 tries, 1d", AnswerMode.OK),
    "cm-messages": ("31d", AnswerMode.OK),
    "cm-status": ("7d", AnswerMode.OK),
    "cm-email": (None, AnswerMode.OK),
    "cm-payments": (None, AnswerMode.OK),
    "cm-voice": (None, AnswerMode.RELAY),
    "cm-two-way": (None, AnswerMode.RELAY),
}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_each_has_its_rules(contract: str) -> None:
    """Where nothing is documented no retry rule is assumed, but for events."""
    rules = parse_rules(load_rules(contract))
    assert (rules.retry and rules.retry.text, rules.answer) == RULES[contract]
    assert rules.assumed is (contract == "cm-events")
