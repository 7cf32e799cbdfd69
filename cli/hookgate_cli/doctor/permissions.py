"""Keys, ledgers, the quarantine and the state of alarms: whether the gate's user may use them."""

import grp
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from hookgate.ledger.state import find_states
from hookgate.paths import is_file, is_folder, is_there
from hookgate.wording import in_shell
from hookgate_cli.terminal import to_json

from .check import Finding, look, wrong
from .rights import obstacle
from .scene import Scene
from .unit_files import writable

_SECRETS = ("audit.key_file", "audit.seal_key_file", "upstream.sign_key_file", "sidecar.tls_key")
_OTHERS = ("upstream.client_key", "upstream.client_cert", "sidecar.tls_cert", "fleet.dsn_file")
_LISTS = ("source.allow_file", "source.trusted_proxies_file", "upstream.ca_file")


def files(scene: Scene) -> Iterator[Finding]:
    """Whether the gate's user can read every file that is named, and not everybody write it."""
    user = scene.user.pw_name
    named = {key: scene.text(key) for key in (*_SECRETS, *_OTHERS, *_LISTS)}
    if scene.file:
        named = {"the configuration": scene.file, **named}
    # What is not there is told by the check of the configuration.
    there = {key: Path(name).absolute() for key, name in named.items() if is_file(name)}
    yield from _open_to_everybody(there)
    for key, path in there.items():
        if (at := obstacle(scene.user, path, "r")) is None:
            continue
        yield wrong(
            f"{user}, whom the gate runs as, cannot read {path} ({key}): {at} has {_modes(at)}",
            *_let_in(scene, at, path),
        )


def _open_to_everybody(there: dict[str, Path]) -> Iterator[Finding]:
    """What anybody of this machine may write, or put another in its place."""
    open_ = {path: key for key, path in there.items() if path.stat().st_mode & stat.S_IWOTH}
    for key, path in there.items():
        mode = path.parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            open_.setdefault(path.parent, f"the folder of {key}")
    for path, key in open_.items():
        yield look(
            f"everybody on this machine may write {path} ({key}), and so change who is let in, or "
            f"where events go: it has {_modes(path)}",
            "as its owner, or root:",
            f"chmod o-w {in_shell(path)}",
        )


def ledger(scene: Scene) -> Iterator[Finding]:
    """Whether the gate's user can write its ledger, and whose files are there."""
    path, user = scene.ledger, scene.user.pw_name
    if path is None:
        return
    yield from _folder(scene, path.parent, "audit.path")
    if not is_folder(path.parent):
        return
    if is_folder(path):
        yield wrong(
            f"{path} is a folder, and audit.path names a file: the gate does not start",
            f"write below [audit] in {scene.named_file}: "
            f"path = {to_json(str(path / 'hookgate-audit.jsonl'))}",
        )
        return
    for file in (*scene.ledgers, *find_states(path)):
        status = file.lstat()
        if stat.S_ISLNK(status.st_mode):
            yield wrong(f"{file} is a link; audit.path must be the file itself", "name that file")
        elif status.st_uid != scene.user.pw_uid and obstacle(scene.user, file, "rw") is not None:
            yield wrong(
                f"{file} is another user's: {user} cannot write to it, and does not start",
                "as root, if nothing else writes there:",
                # A link in its place by then leads root to no file of another's.
                f"chown -h {user}:{_group(scene)} {in_shell(file)}",
            )
        elif status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            yield look(
                f"{file} can be written by others than its owner ({_modes(file)})",
                "",
                f"chmod go-w {in_shell(file)}",
            )


def quarantine(scene: Scene) -> Iterator[Finding]:
    """Whether the gate's user can keep what is refused, and nobody else look at it."""
    name = scene.settings.quarantine.path
    if not name:
        return
    path = Path(name).absolute()
    if not is_there(path):
        yield from _folder(scene, path.parent, "quarantine.path")
        return
    yield from _folder(scene, path, "quarantine.path")
    if path.stat().st_mode & stat.S_IRWXO:
        yield look(
            f"{path} is open to everybody on this machine ({_modes(path)})",
            "",
            f"chmod o= {in_shell(path)}",
        )


def alarm_state(scene: Scene) -> Iterator[Finding]:
    """Whether there is a folder for what hookgate watch knows."""
    path = scene.text("alarm.state")
    folder = Path(path).absolute().parent
    if path and scene.sources.keys["alarm.state"].origin != "default" and not is_folder(folder):
        yield from _folder(scene, folder, "alarm.state")


def _folder(scene: Scene, folder: Path, key: str) -> Iterator[Finding]:
    user = scene.user.pw_name
    if not is_folder(folder):
        if scene.has_systemd and scene.unit is not None and folder in writable(scene.unit):
            return  # it makes it
        made = f"install -d -o {user} -g {_group(scene)} -m 750 {in_shell(folder)}"
        mend = f"name another in {scene.named_file}; or, as root:"
        yield wrong(f"{folder} is no folder ({key})", mend, made)
        return
    at = obstacle(scene.user, folder, "rwx")
    if at is None:
        return
    if at == folder.resolve():
        mend = f"chown {user}:{_group(scene)} {in_shell(at)}"
        yield wrong(f"{user} cannot write to {at} ({key}): {_modes(at)}", "as root:", mend,
                    f"chmod u+rwx {in_shell(at)}")  # fmt: skip
    else:
        yield wrong(
            f"{user} cannot enter {at}, above {folder} ({key}): {_modes(at)}",
            *_let_in(scene, at, folder),
        )


def _let_in(scene: Scene, at: Path, path: Path) -> tuple[str, ...]:
    """Say how the gate's user gets past a file or folder on the way to a path."""
    if (at != path and at.is_relative_to("/root")) or at.parent == Path("/home"):
        return (f"move {path.name} to where it can be read, as /etc/hookgate, and name it there",)
    letter = "x" if is_folder(at) else "r"
    where = in_shell(at)
    return "as root:", f"chgrp {_group(scene)} {where}", f"chmod g+{letter} {where}"


def _group(scene: Scene) -> str:
    try:
        return grp.getgrgid(scene.user.pw_gid).gr_name
    except KeyError:
        return str(scene.user.pw_gid)


def _modes(path: Path) -> str:
    status = path.stat()
    return f"mode {stat.S_IMODE(status.st_mode):04o}, owner {_owner(status.st_uid)}"


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
