"""What a ledger adds up to, and everything that keeps it from adding up."""

from typing import Any

import pytest

from hookgate.ledger.audit.balance import BalanceKind, balance
from hookgate.ledger.audit.findings import MOST
from support.lines import (
    Record,
    delivery,
    forward,
    lines,
    nginx,
    refusals,
    start,
    stop,
)

LATER = "2026-11-22T12:00:05.000000Z"
NEXT_DAY = "2026-11-23T12:00:00.000000Z"


def found(*records: Record | bytes) -> list[tuple[str, str]]:
    """The kinds of the findings, each with its line."""
    return [(f.kind, f.place.partition(":")[2]) for f in balance(lines(*records)).findings]


def test_a_whole_boot_balances() -> None:
    """Every request has its end, in whatever order they end."""
    result = balance(
        lines(
            start(),
            forward(1),
            forward(3),
            delivery(2, "malformed_json"),
            delivery(3),
            delivery(1, "upstream_rejected"),
            delivery(4, "client_gone", outcome="aborted"),
            stop(4, delivered=1, refused=1, failed=1, aborted=1),
        )
    )
    assert result.balances
    assert result.findings == []
    (boot,) = result.boots
    assert (boot.boot, boot.front, boot.received) == ("b0", "sidecar", 4)
    assert boot.ended == {"delivered": 1, "refused": 1, "failed": 1, "aborted": 1}


def test_sums_are_counted_and_others_may_lie_between() -> None:
    """A sum says how many of a stretch it stands for, not which."""
    result = balance(
        lines(
            start(),
            forward(3),
            delivery(3),
            refusals(1, 6, 4),
            refusals(4, 8, 3),
            stop(8, delivered=1, refused=7),
        )
    )
    assert result.findings == []
    assert result.total.ended == {"delivered": 1, "refused": 7}
    assert result.total.received == 8


def numbered(*records: Record) -> list[Record]:
    """The lines of a boot as a gate numbers them."""
    return [{**record, "n": n} for n, record in enumerate(records, 1)]


@pytest.mark.parametrize("lost", range(1, 6))
def test_no_line_is_lost_from_amid_a_boot_unseen(lost: int) -> None:
    """Also one that crashed, where what has no line may have been in flight when it ended."""
    written = numbered(start(), *(delivery(seq, "not_utf8") for seq in range(1, 7)))
    result = balance(lines(*written[:lost], *written[lost + 1 :]))
    told = [finding.text for finding in result.findings if finding.kind == BalanceKind.CUT]
    assert told == [f"lines {lost + 1} to {lost + 1} of the boot are not here"]
    assert not result.balances


def test_a_line_that_cannot_be_read_is_told_once() -> None:
    written = numbered(start(), *(delivery(seq, "not_utf8") for seq in range(1, 5)))
    assert (BalanceKind.CUT, "4") not in found(*written[:2], b"\0garbled", *written[3:])
    assert (BalanceKind.CUT, "3") in found(*written[:2], *written[3:])


WHOLE = [start(), delivery(1, "not_utf8"), delivery(2, "not_utf8"), delivery(3, "not_utf8")]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param(
            [WHOLE[0], WHOLE[1], WHOLE[3], stop(3, refused=2)],
            [(BalanceKind.MISSING, "3")],
            id="a line is missing: named by the one after it",
        ),
        pytest.param(
            [*WHOLE[:3], stop(3, refused=2)],
            [(BalanceKind.MISSING, "4")],
            id="the last one is missing",
        ),
        pytest.param(
            [start(), refusals(1, 5, 3), stop(5, refused=3)],
            [(BalanceKind.MISSING, "3")],
            id="a sum counts fewer than lie in it",
        ),
        pytest.param(
            [start(), refusals(1, 5, 5), refusals(1, 5, 5), stop(5, refused=10)],
            [(BalanceKind.OVERCOUNTED, "4")],
            id="a sum stands there twice",
        ),
        pytest.param(
            [*WHOLE, WHOLE[2], stop(3, refused=3)],
            [(BalanceKind.DOUBLED, "5")],
            id="a delivery stands there twice",
        ),
        pytest.param(
            [start(), forward(1), delivery(1), forward(1), stop(1, delivered=1)],
            [(BalanceKind.DOUBLED, "4")],
            id="a forward stands there twice",
        ),
        pytest.param(
            [start(), delivery(1), stop(1, delivered=1)],
            [(BalanceKind.UNFORWARDED, "2")],
            id="delivered, and never forwarded",
        ),
        pytest.param(
            [start(), forward(1), stop(1)],
            [(BalanceKind.MISSING, "2")],
            id="forwarded without an end, and the boot stopped in good order",
        ),
        pytest.param(
            [*WHOLE, stop(3, refused=2, failed=1)],
            [(BalanceKind.STOP_DIFFERS, "5"), (BalanceKind.STOP_DIFFERS, "5")],
            id="stop counted otherwise",
        ),
        pytest.param(
            [
                start(),
                delivery(2, "not_utf8"),
                delivery(3, "not_utf8", ts=NEXT_DAY),
                delivery(4, "not_utf8", ts=NEXT_DAY),
            ],
            [(BalanceKind.MISSING, "2"), (BalanceKind.NO_STOP, "4")],
            id="a request cannot be in flight for a day",
        ),
        pytest.param(
            [start(), forward(1), delivery(2, "not_utf8"), delivery(3, "not_utf8", ts=NEXT_DAY)],
            [(BalanceKind.MISSING, "2"), (BalanceKind.NO_STOP, "4")],
            id="nor can a forwarded one",
        ),
    ],
)
def test_what_does_not_add_up_is_named_with_its_line(
    records: list[Record], expected: list[tuple[str, str]]
) -> None:
    """Each of these means that the ledger is not what was written, and it does not balance."""
    assert found(*records) == expected
    assert not balance(lines(*records)).balances


@pytest.mark.parametrize(
    ("records", "expected", "sums"),
    [
        pytest.param(
            [start(), forward(1, reference="r"), delivery(3, "not_utf8")],
            [(BalanceKind.UNKNOWN, "2"), (BalanceKind.IN_FLIGHT, "3"), (BalanceKind.NO_STOP, "3")],
            (1, 1, 0),
            id="killed: one forwarded, one not yet recorded",
        ),
        pytest.param(
            [start(), stop(2, in_flight=2)],
            [(BalanceKind.IN_FLIGHT, "2")],
            (0, 2, 0),
            id="cut off by the stop",
        ),
        pytest.param(
            [start(), forward(1), stop(2, in_flight=2)],
            [(BalanceKind.UNKNOWN, "2"), (BalanceKind.IN_FLIGHT, "3")],
            (1, 1, 0),
            id="cut off by the stop, one on its way",
        ),
        pytest.param(
            [delivery(8, "not_utf8"), delivery(10, "not_utf8", ts=LATER), stop(10, refused=9)],
            [(BalanceKind.NO_START, "1")],
            (0, 0, 0),
            id="an older file holds the beginning, and what was in flight then",
        ),
        pytest.param(
            [delivery(8), stop(8, delivered=5)],
            [(BalanceKind.NO_START, "1")],
            (0, 0, 0),
            id="forwarded in an older file",
        ),
        pytest.param(
            [start(), {"event": "reload", "boot": "b0"}, {"event": "?"}, stop(0)],
            [],
            (0, 0, 0),
            id="kinds of a later version",
        ),
        pytest.param(
            [start(), delivery(0), {**delivery(1), "seq": None}, refusals(5, 1, 1), stop(0)],
            [(BalanceKind.DAMAGED, "2"), (BalanceKind.DAMAGED, "3"), (BalanceKind.DAMAGED, "4")],
            (0, 0, 0),
            id="numbers that are not there",
        ),
    ],
)
def test_what_a_good_ledger_may_show_is_told_and_balances(
    records: list[Record | bytes], expected: list[tuple[str, str]], sums: tuple[int, int, int]
) -> None:
    """A crash, a rotation and a stop leave things open: named, and no fault of the ledger."""
    result = balance(lines(*records))
    assert result.balances
    assert found(*records) == expected
    total = result.total
    assert (total.unknown, total.in_flight, total.missing) == sums


def test_within_an_older_boot_what_arrived_here_must_end_here() -> None:
    """What was in flight as these files begin may have ended before; what came later may not."""
    later: dict[str, Any] = {"ts": LATER, "reason": "not_utf8"}
    records = [delivery(5, "not_utf8"), delivery(8, **later), delivery(10, **later), stop(10)]
    assert (BalanceKind.MISSING, "3") in found(*records)
    assert (BalanceKind.MISSING, "2") not in found(*records)


def test_an_unknown_is_named_by_request_and_reference() -> None:
    """Whoever reads it can ask the endpoint whether that event arrived."""
    (unknown, _) = balance(lines(start(), forward(1, reference="r-1"))).findings
    assert unknown.text.startswith("request b0-1, reference r-1,")
    assert unknown.boot == "b0"


def test_only_the_last_boot_of_a_file_that_is_held_still_runs() -> None:
    """What was killed before it did not, and of a file that nobody holds here nothing is known."""
    records = start("old"), start("new"), forward(2, "new"), delivery(3, "not_utf8", "new")
    held = balance(lines(*records), is_held=lambda file: file == "log").findings
    assert [(f.boot, f.text) for f in held if f.kind == BalanceKind.NO_STOP] == [
        ("old", "it crashed, or is still running"),
        ("new", "it still runs"),
    ]
    under_way = [f.text for f in held if f.kind in (BalanceKind.UNKNOWN, BalanceKind.IN_FLIGHT)]
    assert under_way == [
        "request new-2, reference None, was forwarded and is on its way",
        "request 1: no record, in flight",
    ]
    unheld = balance(lines(*records)).findings
    assert {f.text for f in unheld if f.kind == BalanceKind.NO_STOP} == {
        "it crashed, or is still running"
    }


def test_nginx_lines_are_counted_apart() -> None:
    """It numbers nothing, so its lines prove nothing about what is missing."""
    result = balance(lines(nginx(), nginx("path_not_routed"), start(), stop(0)))
    assert result.balances
    assert result.unnumbered == {"delivered": 1, "refused": 1}
    assert result.total.received == 0


def test_findings_beyond_a_bound_are_counted() -> None:
    """A ruined ledger of any size is reported in bounded memory."""
    many = MOST + 7
    result = balance(lines(start(), *(delivery(n) for n in range(1, many + 1)), stop(many)))
    assert len(result.findings) == MOST
    assert result.more[BalanceKind.UNFORWARDED] == 7
    assert not result.balances
