"""What needs a ledger of replays, as it runs and ends in good order."""

import asyncio
import fcntl
import os
import signal
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import uvloop

from hookgate.quarantine.replay.plan import Planned
from hookgate.quarantine.replay.sending import Sending
from hookgate.settings import Config
from hookgate_cli.common import FAILED, err, fail, plain_errors

T = TypeVar("T")


def run(work: Coroutine[None, None, T], config: Config) -> T:
    """Run what needs a ledger of replays; exit with 1 where there can be none."""
    if config.audit.path == "-":
        work.close()
        fail(
            'audit.path = "-" is standard output, and a replay writes a ledger file: set'
            " HOOKGATE_AUDIT__PATH to where it may be, and name the gate's ledgers with --log"
        )
    try:
        with plain_errors(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        fail("interrupted; the next plan tells what was sent", FAILED)
    raise AssertionError("unreachable")


@contextmanager
def alone(store: str) -> Iterator[None]:
    """Keep others from replaying or purging what is in this folder, in the block; exit with 1 where
    somebody does.

    What is planned in it stays so. Raises OSError.
    """
    fd = os.open(store, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fail("another replay or purge is under way; wait for its end", FAILED)
    else:
        yield
    finally:
        os.close(fd)


async def send(sending: Sending, planned: Sequence[Planned]) -> None:
    """Send what is planned, until it is done or SIGINT or SIGTERM asks for an end."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)  # the next one ends it at once
        err.print("ending: what is under way runs to its end", soft_wrap=True)
        sending.stop("it was interrupted")

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        await sending.run(planned)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
