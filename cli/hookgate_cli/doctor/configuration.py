"""The configuration itself, and what it needs to be there."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from hookgate.address import TcpAddress
from hookgate.config.channel_files import read_channels
from hookgate.config.error import ConfigError
from hookgate.config.loops import find_loops
from hookgate.networks.addresses import is_loopback
from hookgate.paths import is_file, is_there
from hookgate.wording import in_shell
from hookgate_cli.terminal import to_json

from .check import Finding, look, wrong
from .gates import running
from .scene import Scene
from .senders import private_peers


def configuration(scene: Scene) -> Iterator[Finding]:
    """What `config check` says."""
    again = f"{scene.command} config check{scene.option}"
    if scene.file and not is_there(scene.file):
        why = f"there is no file {scene.file}"
        yield wrong(why, "name the one that is meant with --config, or write one:",
                    f"{scene.command} init")  # fmt: skip
        return
    for problem in scene.problems:
        yield wrong(problem, "mend that; then try again:", again)
    if scene.problems and not scene.file:
        yield _no_file(scene)
    if scene.config is None:
        return
    for loop in find_loops(scene.config):
        yield wrong(loop, "then try again:", again)
    for warning in scene.config.warnings:
        yield look(warning, "the line says what to do; then try again:", again)
    try:
        _, warnings = read_channels(scene.config.channels)
    except ConfigError as error:
        for problem in error.problems:
            yield wrong(problem, "until then no alarm is told; then try again:", again)
    else:
        for warning in warnings:
            yield look(warning, "the line says what to do; then try again:", again)


def _no_file(scene: Scene) -> Finding:
    """Say so, and which gates run with which file."""
    gates = running()
    there = "".join(f"; {gate} runs" for gate, _ in gates)
    says = f"no file is named: only defaults and the environment of this shell are looked at{there}"
    files = dict.fromkeys(file for _, file in gates if file and is_file(file))
    if files:
        asked = (f"{scene.command} doctor --config {in_shell(file)}" for file in files)
        return look(says, "look at the file of the gate that runs:", *asked)
    return look(
        says,
        "what a gate that runs was given by options (as --upstream) cannot be seen here; "
        "write it into a file, and name that with --config, or set its variables:",
        f"{scene.command} init",
    )


def reachable(scene: Scene) -> Iterator[Finding]:
    """Whether anybody who may send can come to where it listens."""
    listen, source = scene.settings.sidecar.listen, scene.settings.source
    if not isinstance(listen, TcpAddress) or not is_loopback(listen.host) or scene.is_nginx:
        return  # nginx listens where its own configuration says
    networks = (*source.allow, *source.trusted_proxies)
    if not source.trusts_unix and not any(network.is_loopback() for network in networks):
        seen = [peer for peer in private_peers(scene) if is_loopback(peer)] or ["127.0.0.1"]
        yield look(
            f'sidecar.listen = "{listen}" is loopback, and nobody there is allowed or a trusted '
            "proxy: every event will be refused, or never come",
            f"behind a proxy of this machine, write below [source] in {scene.named_file}: "
            f"trusted_proxies = {to_json(seen)}; with none in front, below [sidecar]: "
            f'listen = ":{listen.port}"',
        )


# What an extra brings, the extra, and the key that needs it.
_PACKAGES = (
    ("pyrage", "quarantine", "quarantine.path"),
    ("psycopg", "fleet", "fleet.name"),
)
_PYTHON = "the Python of hookgate"


def extras(scene: Scene) -> Iterator[Finding]:
    """Whether what the configuration needs is installed."""
    for package, extra, key in _PACKAGES:
        if scene.text(key) and find_spec(package) is None:
            yield wrong(
                f"{key} is set, and the package {package} is missing in {_PYTHON}",
                "",
                f"{Path(scene.command).with_name('pip')} install 'hookgate[{extra}]'",
            )
