"""The text of a note: what it says of lines that were in no file."""

import pytest

from hookgate.proof.checkpoint import Checkpoint, Missing

HEAD = Checkpoint("gate1.example.com/hookgate/boot", 12, b"\7" * 32).text


@pytest.mark.parametrize(
    ("below", "missing"),
    [
        ("missing 1-3 7 9-12\n", ((1, 3), (7, 7), (9, 12))),
        ("of another program\nmissing 2\n", ((2, 2),)),
        ("", ()),
        ("missing\n", ()),
        ("missing 0\n", ()),
        ("missing 3-1\n", ()),
        ("missing 4 2\n", ()),
        ("missing 2-4 4\n", ()),
        ("missing 2  4\n", ()),
        ("missing 11-13\n", ()),
        ("is missing 2\n", ()),
        (f"missing 1-{'9' * 30}\n", ()),
    ],
)
def test_lines_that_are_missing_are_told_in_order_or_not_at_all(
    below: str, missing: Missing
) -> None:
    assert Checkpoint.parse(HEAD + below).missing == missing


def test_what_is_told_is_read_back() -> None:
    head = Checkpoint("gate1.example.com/hookgate/boot", 12, b"\7" * 32, ((1, 3), (7, 7)))
    assert Checkpoint.parse(head.text) == head
