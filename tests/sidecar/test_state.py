"""The table of a connection's states, and the order that the code goes by."""

import asyncio
import re
from typing import cast

import pytest

from hookgate_sidecar import state
from hookgate_sidecar.wire import Wire

STATES = [
    name
    for name, _ in sorted(
        ((name, value) for name, value in vars(state).items() if name.isupper()),
        key=lambda item: item[1],
    )
]
ROWS = [
    (line[4:17].split()[-1], line[60:71].strip())
    for line in (state.__doc__ or "").splitlines()
    if re.match(r"    (open|to |any|draining|excess|ended|lingering|closing|closed)", line)
]


def test_the_table_has_each_state_and_no_other() -> None:
    """As where a connection stands, or as what follows."""
    named = {word.upper() for row in ROWS for word in row} - {"ANY", "AS IT WAS"}
    assert named == set(STATES)


@pytest.mark.parametrize("row", ROWS, ids=[" then ".join(row) for row in ROWS])
def test_each_row_goes_down_the_list(row: tuple[str, str]) -> None:
    """Or stays where it is."""
    before, then = (word.upper() for word in row)
    if before != "ANY" and then != "AS IT WAS":
        assert STATES.index(then) >= STATES.index(before)


@pytest.mark.parametrize("then", range(len(STATES)))
@pytest.mark.parametrize("before", range(len(STATES)))
def test_a_wire_never_goes_back(before: int, then: int) -> None:
    """Whatever is asked of it, in whatever order."""
    wire = Wire(cast("asyncio.Transport", None), cast("asyncio.AbstractEventLoop", None), tls=False)
    wire.advance(before)
    wire.advance(then)
    assert wire.state == max(before, then)
