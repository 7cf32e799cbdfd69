"""An event that handlers set, whatever the main thread does meanwhile."""

import subprocess
import sys
import time

import pytest

from hookgate_cli.signal_event import SignalEvent

# Of {times} events each is set by one signal, while the main thread begins to wait over and over.
WAITING = """
import signal
from threading import Event
from hookgate_cli.signal_event import SignalEvent
signal.signal(signal.SIGALRM, lambda *_: event.set())
for number in range({times}):
    event = {kind}()
    signal.setitimer(signal.ITIMER_REAL, 2e-5 + number % 50 * 1e-6)
    while not event.wait(0):
        pass
print("done")
"""


def test_a_handler_sets_it_while_the_main_thread_begins_to_wait() -> None:
    """`threading.Event` does not outlast this: a handler waits for the lock that it interrupted."""
    code = WAITING.format(kind="SignalEvent", times=2000)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout == "done\n"


@pytest.mark.parametrize("timeout", [0.0, 0.01, -1.0])
def test_it_waits_for_as_long_as_it_is_told(timeout: float) -> None:
    event = SignalEvent()
    began = time.monotonic()
    assert not event.wait(timeout)
    assert time.monotonic() - began >= timeout


def test_who_waits_after_it_was_set_does_not_wait() -> None:
    """However often it was set."""
    event = SignalEvent()
    event.set()
    event.set()
    assert event.wait()
    assert event.wait(100)
    assert event.is_set()
