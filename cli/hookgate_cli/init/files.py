"""The files of each place, made of what was answered and of what sidecar/deploy has."""

import re
from pathlib import Path
from typing import Any

from hookgate.nginx import render
from hookgate_cli.common import fail
from hookgate_cli.installation import shipped
from hookgate_cli.keys import Purpose, make_key

from .answers import Answers, build_config
from .config_text import config_text
from .folder import NewFile
from .places import indent_manifest, split_manifest

UNITS = ("hookgate.service", "hookgate-watch.service")
CONFIG, SEAL_KEY = "hookgate.toml", "seal.key"
# What stands in the shipped units for the program, and for the folder of its configuration.
_PROGRAM, _FOLDER = "/opt/hookgate/bin/hookgate", "/etc/hookgate"
# A unit's words are split at spaces, and % begins a specifier.
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9/_.,+:@-]*")
# What kubernetes.yaml has for a quarantine, with a mark before each line.
_COMMENTED = re.compile(r"^( {4}|(?: {12}(?=# - \{name: quarantine)))# (?=.)", re.MULTILINE)


def make_files(answers: Answers, folder: Path, program: str) -> list[NewFile]:
    """Return what is to be in `folder`, a whole path. Exits with 2 where no unit can name it."""
    keys = _keys(answers, folder)
    has_tls = answers.place not in ("mitmdump", "nginx")
    text = config_text(keys, answers.routes, has_tls=has_tls)
    if answers.place == "kubernetes":
        return [NewFile("kubernetes.yaml", _manifest(text, bool(keys.get("quarantine.path"))))]
    files = [NewFile(CONFIG, text)]
    if answers.is_sealed:
        files.append(NewFile(SEAL_KEY, make_key(Purpose.SEAL)[0], 0o600))
    if answers.place == "systemd":
        files += [NewFile(name, _unit(name, folder, program)) for name in UNITS]
        files.append(NewFile("logrotate.conf", shipped("logrotate.conf")))
    if answers.place == "container":
        files.append(NewFile("Dockerfile", shipped("Dockerfile")))
    if answers.place == "nginx":
        rendered = render(build_config(answers))
        files += [NewFile(name, text) for name, text in rendered.items()]
    return files


def _keys(answers: Answers, folder: Path) -> dict[str, Any]:
    keys = answers.where.keys(folder) | answers.keys
    if answers.place in ("here", "mitmdump") and keys.get("quarantine.path"):
        keys["quarantine.path"] = str(folder / "quarantine")  # no unit makes a folder for it
    if answers.is_sealed:
        home = Path(_FOLDER) if answers.place == "container" else folder
        keys["audit.seal_key_file"] = str(home / SEAL_KEY)
    return keys


def _unit(name: str, folder: Path, program: str) -> str:
    for path in (str(folder), program):
        if not _PLAIN_PATH.fullmatch(path):
            fail(f"{path} holds what a unit reads otherwise; choose a folder of plain letters")
    return shipped(name).replace(_PROGRAM, program).replace(f"{_FOLDER}/", f"{folder}/")


def _manifest(text: str, is_kept: bool) -> str:
    head, _, tail = split_manifest()
    return head + indent_manifest(text) + (_COMMENTED.sub(r"\1", tail) if is_kept else tail)
