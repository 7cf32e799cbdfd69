"""What ends a worker whose supervisor is gone.

A worker that runs sees its channel end, and drains. One that does not run cannot, so the kernel is
told beforehand: when the supervisor is gone it sends SIGCONT (PR_SET_PDEATHSIG, prctl(2)), which
sets a stopped worker going again, and whose handler is alarm(2) itself. So a worker that hangs,
though it be in C with the interpreter's lock held, is ended by SIGALRM after as many seconds as
SIGCONT's number says, 18 on most machines, unless it says before that it runs. Standard library
only: this comes before everything that may be missing.
"""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def end_with(supervisor: int) -> None:
    """Live no longer than the process with this id, which is to be the parent.

    Raises SystemExit where it is gone already.
    """
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = ctypes.c_int, ctypes.c_void_p
    libc.signal(signal.SIGCONT, ctypes.cast(libc.alarm, ctypes.c_void_p))
    be_told(supervisor, signal.SIGCONT)


def be_told(parent: int, number: signal.Signals) -> None:
    """Get this signal when the process with this id ends, which is to be the parent.

    Raises SystemExit where it is gone already.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)


def keep_alive() -> None:
    """Undo what SIGCONT began: it runs, and its supervisor is there."""
    signal.alarm(0)


def outlive(seconds: int) -> None:
    """Live for so many seconds without the supervisor, to end what was begun."""
    signal.signal(signal.SIGCONT, signal.SIG_IGN)  # it may come after the channel's end
    signal.alarm(seconds)
