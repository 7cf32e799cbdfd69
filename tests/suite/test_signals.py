"""What tests start can be interrupted, and starts soon, however the run itself was started."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.process import keep_what_python_compiles, let_children_be_interrupted

NUMBERS = [signal.SIGINT, signal.SIGQUIT]


def ended_by(number: signal.Signals) -> int:
    """The exit status of a child that was sent the signal, or that of waiting in vain."""
    with subprocess.Popen(["sleep", "20"]) as child:
        child.send_signal(number)
    return child.returncode


@pytest.fixture
def in_background() -> Iterator[None]:
    """As a shell without job control starts it: both are ignored."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in NUMBERS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.name)
def test_a_child_of_this_run_ends(number: signal.Signals) -> None:
    """Held by tests/conftest.py."""
    assert ended_by(number) == -number


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.name)
def test_a_child_of_a_run_in_the_background_ends(
    in_background: None, number: signal.Signals
) -> None:
    """And the run itself goes on."""
    let_children_be_interrupted()
    assert ended_by(number) == -number
    signal.raise_signal(number)


def writes_bytecode() -> bool:
    """Whether a Python that this run starts keeps what it compiles."""
    said = subprocess.run(
        [sys.executable, "-c", "import sys; print(sys.dont_write_bytecode)"],
        stdout=subprocess.PIPE,
        check=True,
    )
    return said.stdout == b"False\n"


def test_a_child_of_this_run_keeps_what_it_compiles() -> None:
    """Held by tests/conftest.py."""
    assert not sys.dont_write_bytecode
    assert writes_bytecode()


def test_so_does_one_whose_environment_forbade_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the run itself too."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert not writes_bytecode()
    keep_what_python_compiles()
    assert not sys.dont_write_bytecode
    assert writes_bytecode()
