"""What it takes to check signatures and to sign: by itself, and as a part of an event's way."""

import base64
import hmac
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from hookgate.signing.schemes import SCHEMES, Scheme
from hookgate.signing.sign import Signer
from hookgate.signing.verify import Signed, Verifier

from .contenders import CONTENDERS, commands
from .contenders.contender import Command, Site
from .events import EVENT
from .load import LoadError
from .process import wait_until
from .report.rows import Row
from .rig import Rig, Running

_KEYS = (bytes(32), bytes(range(32)))
_KEY_LINE = "whsec_" + "A" * 43 + "=\n"
_PATIENCE_SECONDS = 10
# What follows a reload: connections to the upstream, and caches that are filled again.
_SETTLE_SECONDS = 1


def measure(rig: Rig, seconds: float, rounds: int) -> list[Row]:
    """Measure signing and checking alone, then CPU time with and without signing.

    The latter is of one process that reloads between rounds, since one process differs from the
    next by more. Raises LoadError where it does not reload.
    """
    return [*_alone(rig.core, seconds / 5, rounds), *_on_and_off(rig, seconds, rounds)]


def _alone(core: int, seconds: float, rounds: int) -> list[Row]:
    rows: list[Row] = []
    cases = {
        "signing out, 1 key": _signing(1),
        "signing out, 2 keys": _signing(2),
        **{f"checking {name}": _checking(scheme) for name, scheme in SCHEMES.items()},
    }
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    for number in range(rounds):
        for case, once in cases.items():
            done, began = 0, time.process_time()
            while (took := time.process_time() - began) < seconds:
                for _ in range(1000):
                    once()
                done += 1000
            took_us = round(took / done * 1e6, 2)
            rows.append({"case": case, "round": number, "user_us": took_us, "system_us": 0.0})
            print(f"  {case:28} {took_us} µs", flush=True)
    os.sched_setaffinity(0, before)
    return rows


def _signing(keys: int) -> Callable[[], object]:
    signer, digest = Signer(_KEYS[:keys]), sha256(EVENT).hexdigest()
    return lambda: signer.fields(digest, int(time.time()), EVENT)


def _checking(scheme: Scheme) -> Callable[[], object]:
    verifier, secret = Verifier(scheme, _KEYS[1:], 86_400), _KEYS[1]
    now = time.time()
    fields = {scheme.id_field: [b"msg_1"]}
    message = EVENT
    if scheme.time_field is not None:
        moment = b"%d" % (now * scheme.units)
        fields[scheme.time_field] = [moment]
        message = b".".join((b"msg_1", moment, EVENT))
    mac = hmac.digest(secret, message, scheme.digest)
    text = mac.hex().encode() if scheme.hexadecimal else base64.b64encode(mac)
    fields[scheme.signature_field] = [scheme.marker + text]
    if not isinstance(verifier.verify(fields, EVENT, now), Signed):
        raise LoadError(f"what is signed by {scheme.name} is not taken")
    return lambda: verifier.verify(fields, EVENT, now)


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
