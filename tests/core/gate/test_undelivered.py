"""What is remembered of requests that were not delivered, however many come."""

from typing import Any

import pytest

from hookgate.gate.undelivered import MOST, MOST_FOREIGN, MOST_NEAR, Undelivered, latest

NEAR = {"near": ["watch"]}


def record(number: int, **members: Any) -> dict[str, Any]:
    """The `delivery` of the request with this number, a second after the one before."""
    ts = f"2026-01-05T10:{number // 60:02d}:{number % 60:02d}.000000Z"
    return {"ts": ts, "request_id": f"b-{number}", "outcome": "refused", "n": number, **members}


@pytest.mark.parametrize(
    ("others", "foreign", "near", "told"),
    [
        (0, 0, 0, (0, 0, 0)),
        (3, 0, 0, (3, 0, 0)),
        (500, 0, 0, (MOST, 0, 0)),
        (0, 500, 0, (0, MOST_FOREIGN, 0)),
        (0, 0, 500, (0, 0, MOST_NEAR)),
        (500, 500, 0, (MOST - MOST_FOREIGN, MOST_FOREIGN, 0)),
        (500, 500, 500, (MOST - MOST_FOREIGN - MOST_NEAR, MOST_FOREIGN, MOST_NEAR)),
        (2, 500, 1, (2, MOST_FOREIGN, 1)),
    ],
)
def test_a_flood_leaves_room(
    others: int, foreign: int, near: int, told: tuple[int, int, int]
) -> None:
    """The flood comes last, and what somebody has to see to is there all the same."""
    undelivered, number = Undelivered(), 0
    for count, is_foreign, members in (
        (others, False, {}),
        (foreign, True, {}),
        (near, True, NEAR),
    ):
        for _ in range(count):
            number += 1
            undelivered.add(record(number, **members), foreign=is_foreign)
    found = latest(undelivered.entries())
    kinds = [(entry["foreign"], bool(entry["near"])) for entry in found]
    assert tuple(map(kinds.count, ((False, False), (True, False), (True, True)))) == told
    times = [entry["time"] for entry in found]
    assert times == sorted(times, reverse=True)


def test_the_last_of_several_gates_are_told_as_of_one() -> None:
    """Each gate's own, merged by their times."""
    gates = [Undelivered(), Undelivered()]
    for number in range(300):
        gates[number % 2].add(record(number), foreign=False)
    found = latest(entry for gate in gates for entry in gate.entries())
    assert [entry["request_id"] for entry in found] == [f"b-{n}" for n in range(299, 249, -1)]


@pytest.mark.parametrize(
    ("errors", "pointer"),
    [
        (["/event/type: is missing", "/channel: is no text"], "/event/type"),
        (["/a/b"], None),
        (["the body ends too early: at 7"], None),
        ([], None),
        (None, None),
    ],
)
def test_the_first_place_is_told_apart(errors: list[str] | None, pointer: str | None) -> None:
    undelivered = Undelivered()
    undelivered.add(record(1, errors=errors), foreign=False)
    ((entry),) = undelivered.entries()
    assert (entry["pointer"], entry["errors"]) == (pointer, errors or [])


def test_a_record_is_told_as_it_ends_up() -> None:
    """Its line may be rendered, or its time known, after it was remembered; and what no row is of
    is left out, as numbers of people and references.
    """
    undelivered = Undelivered()
    one = record(1, to="***678", reference="r", reason="too_deep", status=400)
    undelivered.add(one, foreign=False)
    one["ts"] = "2026-01-05T11:00:00.000000Z"
    (entry,) = undelivered.entries()
    assert entry["time"] == one["ts"]
    assert (entry["reason"], entry["status"], entry["kept"]) == ("too_deep", 400, False)
    assert not {"to", "from", "reference", "sha256"} & set(entry)
