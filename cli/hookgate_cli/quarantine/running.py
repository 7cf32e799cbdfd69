"""What needs a ledger of replays, as it runs and ends in good order."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import uvloop

from hookgate.ledger.writing.sink import LedgerError
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
        with (
            plain_errors(),
            _explained_lock(),
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            return runner.run(work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        fail("interrupted; the next plan tells what was sent", FAILED)
    raise AssertionError("unreachable")


@contextmanager
def _explained_lock() -> Iterator[None]:
    """Say what it means that another process writes the ledger of replays."""
    try:
        yield
    except LedgerError as error:
        if "another process" not in str(error):
            raise
        raise LedgerError(
            f"another replay or purge is under way; wait for its end: {error}"
        ) from None


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
