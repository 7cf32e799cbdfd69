"""The systemd units that are installed, beside those that are shipped."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from hookgate.address import TcpAddress
from hookgate.paths import is_file, is_folder
from hookgate.wording import in_shell
from hookgate_cli.installation import HOMES, TEMPORARY, python_of, shipped
from hookgate_sidecar.descriptors import needed
from hookgate_sidecar.shares import share

from .check import Finding, look, wrong
from .rights import obstacle
from .scene import Scene
from .unit_files import GATE, Unit, read_unit, writable

_UNITS = (
    *("hookgate.service", "hookgate-watch.service"),
    *("hookgate-ship.service", "hookgate-live.service"),
)
# What each set-up has of its own.
_OWN = frozenset(("ExecStart", "User", "Group", "Environment", "ReadWritePaths", "Documentation"))
_PRIVILEGED = 1024


def units(scene: Scene) -> Iterator[Finding]:
    """Whether each is as shipped but for what a set-up has of its own, and can start."""
    if not scene.has_systemd:
        return
    if scene.unit is not None and not is_file(scene.units / GATE):
        yield from _start(scene, scene.unit)
        yield _not_installed(scene, scene.unit)
    for name in _UNITS:
        unit = read_unit(scene.units, name)
        if unit is None:
            continue
        yield from _differences(unit)
        yield from _start(scene, unit)
        if name == GATE and scene.config is not None:
            yield from _limits(scene, unit)


def _not_installed(scene: Scene, unit: Unit) -> Finding:
    """Say so of the unit beside the configuration, and what is not there until it starts."""
    folder = scene.ledger.parent if scene.config is not None and scene.ledger else None
    is_missing = folder is not None and folder in writable(unit) and not is_folder(folder)
    says = f"{unit.name} is beside the configuration, and not installed in {scene.units}"
    if is_missing:
        says += (
            f"; it makes {folder} when it starts: until then a gate that is started by hand finds "
            "no folder for its ledger, and ends"
        )
    return (wrong if is_missing else look)(
        says,
        "as root:",
        f"cp {in_shell(scene.beside / unit.name)} {in_shell(scene.units)}",
        "systemctl daemon-reload && systemctl enable --now hookgate",
    )


def _differences(unit: Unit) -> Iterator[Finding]:
    wanted = Unit(unit.name, shipped(unit.name)).values
    keys = (wanted.keys() | unit.values.keys()) - _OWN
    different = sorted(
        key for key in keys if wanted.get(key, []) != unit.values.get(key, []) and key in wanted
    )
    if different:
        told = ", ".join(different[:6]) + (", ..." if len(different) > 6 else "")
        yield look(
            f"{unit.name} is not as this version ships it: {told}",
            f"keep settings of your own in a drop-in (systemctl edit {unit.name}), and take the "
            "unit anew from sidecar/deploy, or from what hookgate init --on systemd writes; then:",
            "systemctl daemon-reload",
        )


def _start(scene: Scene, unit: Unit) -> Iterator[Finding]:
    words = unit.command
    user = _user(unit.last("User"))
    if user is None:
        named = unit.last("User")
        yield wrong(
            f"{unit.name} runs as {named}, and there is no such user",
            "as root:",
            f"useradd --system --no-create-home --shell /usr/sbin/nologin {in_shell(named)}",
        )
    if not words or not os.access(words[0], os.X_OK):
        yield wrong(
            f"{unit.name} starts {words[0] if words else 'nothing'}, which is no program here",
            f"install hookgate there, or name the one that is, in {scene.units / unit.name}: "
            f"ExecStart={scene.command} ...",
        )
        return
    file = next((word for at, word in enumerate(words) if words[at - 1] in ("--config", "-c")), "")
    paths = (words[0], file, python_of(words[0]))
    hidden = [path for path in paths if _is_hidden(unit, path)]
    if hidden:
        yield wrong(
            f"{unit.name} cannot see {' nor '.join(hidden)}: ProtectHome= and PrivateTmp= hide it",
            "install hookgate into /opt/hookgate, with a Python that is not in a home, and its "
            "configuration into /etc/hookgate",
        )
    elif file and not is_file(file):
        yield wrong(f"{unit.name} reads {file}, which is not there", "",
                    f"{in_shell(words[0])} config init {in_shell(file)}")  # fmt: skip
    elif user is not None and obstacle(user, Path(words[0]), "x") is not None:
        yield wrong(
            f"{unit.name} runs as {user.pw_name}, who may not run {words[0]}",
            "as root:",
            f"chmod -R a+rX {in_shell(Path(words[0]).parents[1])}",
        )


def _limits(scene: Scene, unit: Unit) -> Iterator[Finding]:
    settings = scene.settings
    drop_in = f"systemctl edit {unit.name.removesuffix('.service')}, below [Service]:"
    if unit.last("ProtectSystem") == "strict":
        for key, name in (("audit.path", settings.audit.path), ("quarantine.path",
                          settings.quarantine.path)):  # fmt: skip
            folder = unit.working_directory / name
            if name in ("", "-") or any(folder.is_relative_to(path) for path in writable(unit)):
                continue
            yield wrong(
                f"{unit.name} may not write to {folder} ({key}): ProtectSystem=strict, and no "
                "ReadWritePaths= names it",
                f"{drop_in} ReadWritePaths={folder.parent}",
                "systemctl daemon-reload && systemctl restart hookgate",
            )
    listen = settings.sidecar.listen
    if (
        isinstance(listen, TcpAddress)
        and 0 < listen.port < _PRIVILEGED
        and "CAP_NET_BIND_SERVICE" not in unit.last("AmbientCapabilities")
    ):
        yield wrong(
            f"{unit.name} may not listen on port {listen.port}, which is below 1024",
            f"{drop_in} CapabilityBoundingSet=CAP_NET_BIND_SERVICE, "
            "AmbientCapabilities=CAP_NET_BIND_SERVICE, PrivateUsers=no",
        )
    wanted = needed(share(settings, 1) if settings.sidecar.workers > 1 else settings)
    limit = unit.last("LimitNOFILE").rpartition(":")[2]
    if limit.isdigit() and int(limit) < wanted:
        yield look(
            f"the connections that are configured take {wanted} descriptors, and {unit.name} has "
            f"LimitNOFILE={limit}",
            f"{drop_in} LimitNOFILE={wanted}",
            "systemctl daemon-reload && systemctl restart hookgate",
        )


def _is_hidden(unit: Unit, path: str) -> bool:
    hidden: tuple[str, ...] = ()
    if unit.last("ProtectHome") in ("yes", "true", "tmpfs"):
        hidden += HOMES
    if unit.last("PrivateTmp") in ("yes", "true"):
        hidden += TEMPORARY
    return path.startswith(hidden)


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name or "root")
    except KeyError:
        return None
