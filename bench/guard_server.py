"""`hookgate serve` as guard.py measures it: without what happens by the clock.

SIGRTMIN starts counting the calls of Python functions, and once more ends it; each time a line of
JSON is printed: the calls so far, by function. SIGRTMIN + 1 wakes it, as no timer does.
"""

import cProfile
import json
import os
import signal
import sys
from collections import Counter
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import CodeType

from hookgate_cli.main import main

# These would count for more the slower the machine is: which strangers of a flood get a line of
# their own, the sweep over the connections and the ticks, the look at watched files. Where a place
# has moved, the new one is added before the old, so that older checkouts can be measured too.
FIXED: tuple[tuple[object, tuple[str, ...]], ...] = (
    (
        0,
        (
            "hookgate.ledger.writing.sums:FOREIGN_LINES_A_SECOND",
            "hookgate.ledger.sums:FOREIGN_LINES_A_SECOND",
            "hookgate.ledger.journal:FOREIGN_LINES_A_SECOND",
        ),
    ),
    (lambda *_: None, ("hookgate_sidecar.server:Server._every",)),
    (
        3600.0,
        ("hookgate_sidecar.watching:_WATCH_SECONDS", "hookgate_sidecar.run:_WATCH_SECONDS"),
    ),
)

_profile = cProfile.Profile(builtins=False)
_counting = False


def _fix(value: object, places: tuple[str, ...]) -> None:
    for place in places:
        module, _, path = place.partition(":")
        owner, _, name = path.rpartition(".")
        try:
            found = attrgetter(owner)(import_module(module)) if owner else import_module(module)
        except (ImportError, AttributeError):
            continue
        if hasattr(found, name):
            setattr(found, name, value)
            return
    sys.exit(f"guard: there is no {' or '.join(places)} any more; see guard_server.py")


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


for value, places in FIXED:
    _fix(value, places)
# It preempts nobody, so all that is sent in one go is there before it reads.
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
signal.signal(signal.SIGRTMIN, _mark)
signal.signal(signal.SIGRTMIN + 1, lambda *_: None)
main(["serve"])
