"""What it takes to sign events for the endpoint: by itself, and as a part of an event's way."""

import json
import os
import signal
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from hookgate.signing.sign import Signer

from .contenders import CONTENDERS, commands
from .contenders.contender import Command, Site
from .events import EVENT
from .load import LoadError
from .process import wait_until
from .report.rows import Row
from .rig import Rig, Running

_ALONE = "signing out"
_KEYS = (bytes(32), bytes(range(32)))
_KEY_LINE = "whsec_" + "A" * 43 + "=\n"
_PATIENCE_SECONDS = 10
# What follows a reload: connections to the upstream, and caches that are filled again.
_SETTLE_SECONDS = 1


def measure(rig: Rig, seconds: float, rounds: int) -> list[Row]:
    """Measure the signature alone, with one key and with two; then CPU time with and without it.

    The latter is of one process that reloads between rounds, since one process differs from the
    next by more. Raises LoadError where it does not reload.
    """
    return [*_alone(rig.core, seconds / 5, rounds), *_on_and_off(rig, seconds, rounds)]


def _alone(core: int, seconds: float, rounds: int) -> list[Row]:
    rows: list[Row] = []
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    for number in range(rounds):
        for count in (1, 2):
            signer = Signer(_KEYS[:count])
            digest, done, began = sha256(EVENT).hexdigest(), 0, time.process_time()
            while (took := time.process_time() - began) < seconds:
                for _ in range(1000):
                    signer.fields(digest, int(time.time()), EVENT)
                done += 1000
            row = {"case": f"{_ALONE}, {count} {'key' if count == 1 else 'keys'}", "round": number}
            rows.append({**row, "user_us": round(took / done * 1e6, 2), "system_us": 0.0})
            print(f"  {rows[-1]['case']:28} {rows[-1]['user_us']} µs", flush=True)
    os.sched_setaffinity(0, before)
    return rows


def _on_and_off(rig: Rig, seconds: float, rounds: int) -> list[Row]:
    rows: list[Row] = []
    with rig.started(replace(CONTENDERS[0], prepare=_serve)) as target:
        for number in range(-1, rounds):
            for case in ("off", "on") if number % 2 == 0 else ("on", "off"):
                _switch(target, signs=case == "on")
                rig.accepted(target, _SETTLE_SECONDS)
                row = rig.accepted(target, seconds)
                if number >= 0:  # the first is a warm-up
                    rows.append({"case": f"hookgate serve, signing {case}", "round": number, **row})
                    cost = row["user_us"] + row["system_us"]
                    print(f"  {rows[-1]['case']:28} {cost:.1f} µs", flush=True)
    return rows


def _serve(site: Site) -> Command:
    site.write("sign.key", _KEY_LINE).chmod(0o600)
    command = commands.serve(site)
    file = site.write("hookgate.toml", "")
    return command._replace(arguments=(*command.arguments, "--config", str(file)))


def _switch(target: Running, *, signs: bool) -> None:
    folder = target.site.folder
    key = f"[upstream]\nsign_key_file = {json.dumps(str(folder / 'sign.key'))}\n"
    target.site.write("hookgate.toml", key if signs else "")
    log = folder / "out.err"
    before = _reloads(log)
    target.tree.process.send_signal(signal.SIGHUP)
    if not wait_until(lambda: _reloads(log) > before, _PATIENCE_SECONDS):
        raise LoadError(f"{target.contender.name} does not reload: {log.read_text()[-2000:]}")


def _reloads(log: Path) -> int:
    return log.read_text().count('"gate.reload_applied"')
