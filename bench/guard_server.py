"""`hookgate serve` as guard.py measures it.

SIGRTMIN starts counting the calls of Python functions, and once more ends it; each time a line of
JSON is printed: the calls so far, by function.
"""

import cProfile
import json
import os
import signal
from collections import Counter
from pathlib import Path
from types import CodeType

from hookgate.ledger import journal
from hookgate_cli.main import main

_profile = cProfile.Profile(builtins=False)
_counting = False


def _mark(*_: object) -> None:
    global _counting
    _counting = not _counting
    if not _counting:
        _profile.disable()
    counts = Counter[str]()
    for entry in _profile.getstats():
        if isinstance(entry.code, CodeType):
            file = "/".join(Path(entry.code.co_filename).parts[-2:])
            counts[f"{file} {entry.code.co_qualname}"] += entry.callcount
    print(json.dumps(counts), flush=True)
    if _counting:
        _profile.enable()


# How many strangers of a flood get a line of their own would depend on the machine's speed.
journal.FOREIGN_LINES_A_SECOND = 0
# It preempts nobody, so all that is sent in one go is there before it reads.
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
signal.signal(signal.SIGRTMIN, _mark)
main(["serve"])
