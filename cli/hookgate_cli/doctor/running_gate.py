"""The gate that runs: whose its ports are, what its admin listener says, and by which policy."""

import re
from collections.abc import Iterator

from hookgate.address import ListenAddress, UnixAddress
from hookgate.alarms.observing.admin import ask, get
from hookgate.ledger.reading.locks import held_now
from hookgate.libraries import libraries
from hookgate.policy import Policy

from .check import BlindError, Finding, look, wrong
from .gates import other_gate, reload, restart
from .listening import Listener
from .scene import Scene
from .unit_files import GATE

_INFO = re.compile(r"^hookgate_policy_info\{([^}]*)\} ", re.MULTILINE)


def ports(scene: Scene) -> Iterator[Finding]:
    """Whether what it is to listen on is somebody else's."""
    sidecar = scene.settings.sidecar
    for key, address in (("sidecar.listen", sidecar.listen), ("sidecar.admin", sidecar.admin)):
        if address is None or not _port(address):
            continue
        there = scene.listening.at(address)
        for other in there:
            if other.is_hookgate or other.pid is None or (scene.is_nginx and other.name == "nginx"):
                continue
            yield wrong(
                f'{key} = "{address}" is taken by {other.name} (process {other.pid}): the gate '
                "cannot listen there",
                f"end that program, or write below [sidecar] in {scene.named_file}: "
                f'{key.partition(".")[2]} = "{_free(scene, address)}"',
            )
        for name in dict.fromkeys(filter(None, (other_gate(scene, one) for one in there))):
            yield wrong(
                f'{key} = "{address}" is taken by another hookgate, {name}: this one cannot listen '
                "there",
                "if that one is meant, name its file with --config; else write below [sidecar] in "
                f'{scene.named_file}: {key.partition(".")[2]} = "{_free(scene, address)}"',
            )
        if any(other.pid is None for other in there):
            raise BlindError(f'whose {key} = "{address}" is, root alone can see')


def admin(scene: Scene) -> Iterator[Finding]:
    """Whether a gate that runs answers there, is ready, and goes by this configuration."""
    sidecar = scene.settings.sidecar
    gate = _running(scene, sidecar.listen)
    if sidecar.admin is None or not _port(sidecar.admin):
        return
    if not scene.listening.at(sidecar.admin):
        if gate is not None:
            yield wrong(
                f'a gate runs, and nothing listens at sidecar.admin = "{sidecar.admin}": it began '
                "by another configuration",
                *restart(scene, gate),
            )
        return
    if any(other_gate(scene, one) for one in scene.listening.at(sidecar.admin)):
        return  # told by who looks at the ports
    said = ask(sidecar.admin)
    if said.trouble:
        yield wrong(f'sidecar.admin = "{sidecar.admin}" does not answer: {said.trouble}',
                    *restart(scene, gate))  # fmt: skip
        return
    for problem in said.problems:
        yield wrong(f"the gate is not ready: {problem}", _mend(problem, scene))
    for word in said.degraded:
        yield look(f"the gate serves, and less than it should: {word}", _log(scene))
    yield from _policy(scene, sidecar.admin, gate)


def boots(scene: Scene) -> Iterator[Finding]:
    """Whether the last boot has all of its lines, and runs or ended in good order."""
    balance = f"{scene.command} audit balance{scene.option}"
    last = [
        [record for record in records if record.get("boot") == records[0].get("boot")]
        for records in scene.latest
        if records and records[0].get("boot") and records[0].get("front") != "replay"
    ]
    causes = {str(r.get("cause")) for boot in last for r in boot if r.get("event") == "gap"}
    if causes:
        yield look(
            f"the gate found lines of the ledger {scene.ledger} gone: a file was"
            f" {' or '.join(sorted(causes))} while it wrote to that",
            "look for what does so there: a clean-up, or copytruncate in a logrotate rule. Put "
            "any copy back; see what is not known of by now:",
            balance,
        )
    listen = scene.settings.sidecar.listen
    if (
        not _port(listen)
        or _running(scene, listen) is not None
        or any(map(held_now(), scene.ledgers))
    ):
        return
    if any(all(record.get("event") != "stop" for record in boot) for boot in last):
        yield look(
            f"the last boot of {scene.ledger} has no stop line, and no gate runs: it crashed, or "
            "was killed",
            f"{_log(scene)}; start it. See which events were on their way:",
            balance,
        )


def _mend(problem: str, scene: Scene) -> str:
    """Say what to do first about a word of /readyz."""
    if "cannot be written" in problem:
        return (
            f"make room on the disk of {scene.ledger}, or mend what its log says of it "
            "(audit.failing); the gate goes on by itself then. Until then every event is answered "
            "503"
        )
    if problem == "draining":
        return "it is about to end, and its listener takes no new connections: wait, or start it"
    if problem.startswith("the upstream"):
        return "see what [endpoint] says; by sidecar.ready_needs_upstream this makes it not ready"
    return _log(scene)


def _log(scene: Scene) -> str:
    where = "journalctl -u hookgate" if scene.has_unit(GATE) else "on its standard error"
    return f"its log says why ({where})"


def _policy(scene: Scene, address: ListenAddress, gate: Listener | None) -> Iterator[Finding]:
    _, body = get(address, "/metrics")
    found = _INFO.search(body.decode("utf-8", "replace"))
    labels = dict(re.findall(r'(\w+)="([^"]*)"', found[1])) if found else {}
    ours = Policy(scene.settings, libraries("sidecar")).fingerprint
    theirs = labels.get("policy")
    if theirs is None or (theirs == ours and labels.get("config") == scene.settings.digest):
        return
    if labels.get("config") == scene.settings.digest:
        how, *commands = restart(scene, gate)
        yield look(
            "the gate that runs has this configuration, and another policy: it is another version "
            "of hookgate, of Python or of a library than the one that asks",
            f"ask with the hookgate that the gate is; or, if a newer one was installed, {how}",
            *commands,
        )
        return
    what = "judges by another policy" if theirs != ours else "has other keys in force"
    yield look(
        f"the gate that runs {what} than {scene.named_file} makes now: it was changed since, or "
        "the gate has variables or options of its own",
        *reload(scene, gate),
    )


def _running(scene: Scene, address: ListenAddress) -> Listener | None:
    if not _port(address):
        return None
    there = scene.listening.at(address)
    return next((one for one in there if one.is_hookgate and not other_gate(scene, one)), None)


def _free(scene: Scene, address: ListenAddress) -> ListenAddress:
    """The next address at which nobody listens."""
    if isinstance(address, UnixAddress):
        return address._replace(path=f"{address.path}.2")
    near = (address._replace(port=address.port + more) for more in range(1, 100))
    return next((other for other in near if not scene.listening.at(other)), address)


def _port(address: ListenAddress) -> bool:
    """Tell whether it is a place that can be looked at, and not chosen by the system."""
    return isinstance(address, UnixAddress) or address.port != 0
