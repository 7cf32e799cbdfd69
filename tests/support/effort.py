"""A bound on processor time, which other work on the machine does not use up."""

import contextlib
import gc
import signal
import time
from collections.abc import Iterator
from types import FrameType

# Seconds of processor time that `_work` takes on a core of its own, of a machine of 2026.
_UNHINDERED = 0.0035


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail as soon as the block has used this much processor time, even inside `re`.

    A core that is shared, or a slower one, does less in that time: it is given as much more. The
    garbage of other tests is not collected meanwhile, which takes a quarter of a second.
    """
    collects = gc.isenabled()
    gc.disable()
    began = time.process_time()

    def judge(signum: int, frame: FrameType | None) -> None:
        used = time.process_time() - began
        allowed = seconds * _pace()
        if used >= allowed:
            raise AssertionError(f"{used:.3g} s of processor time, more than {allowed:.3g} s")
        signal.setitimer(signal.ITIMER_PROF, allowed - used)

    before = signal.signal(signal.SIGPROF, judge)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        if collects:
            gc.enable()


def _pace() -> float:
    """How much longer than unhindered a piece of work takes now; never less than 1."""
    began = time.process_time()
    _work()
    return max(1.0, (time.process_time() - began) / _UNHINDERED)


def _work() -> None:
    """What caches and cores slow down as they do a parser: many small objects."""
    for _ in range(5):
        sorted({str(number): [number] for number in range(4_000)})
