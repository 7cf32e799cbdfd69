"""How fast the policy judges by itself, in this process, without input or output."""

import os
import time

from hookgate.config.build import load
from hookgate.policy import Policy, Reason, make_head

from .events import BROKEN, EVENT
from .load import LoadError
from .report.rows import Row
from .rig import RANGES


def measure(core: int, seconds: float, rounds: int) -> list[Row]:
    """Measure events a second that the policy judges on one core.

    Each of the cases has rounds of `seconds`. Raises LoadError where a verdict is wrong.
    """
    keys = {"HOOKGATE_UPSTREAM__URL": "http://127.0.0.1:1", "HOOKGATE_SOURCE__ALLOW": RANGES[0]}
    judge = Policy(load(environ=keys)).judge
    cases = {
        "accepted": ("127.0.0.1", EVENT, None),
        "broken": ("127.0.0.1", BROKEN, Reason.MALFORMED_JSON),
        "foreign": ("127.0.0.2", EVENT, Reason.SOURCE_NOT_ALLOWED),
    }
    rows: list[Row] = []
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    for number in range(rounds):
        for case, (peer, body, reason) in cases.items():
            fields = [
                (b"Host", b"127.0.0.1:8081"),
                (b"Content-Type", b"application/json"),
                (b"Content-Length", b"%d" % len(body)),
            ]
            count, began = 0, time.perf_counter()
            while (took := time.perf_counter() - began) < seconds:
                for _ in range(1000):
                    decision = judge(make_head(peer, b"POST", b"/cm/events", fields), body)
                count += 1000
                found = decision.finding and decision.finding.reason
                if found is not reason:
                    raise LoadError(f"the policy found {found}, not {reason}")
            rows.append({"case": case, "round": number, "rate": round(count / took)})
            print(f"  {'the policy alone':28} {case}: {rows[-1]['rate']} events/s", flush=True)
    os.sched_setaffinity(0, before)
    return rows
