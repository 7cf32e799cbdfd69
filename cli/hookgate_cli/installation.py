"""This installation: its program, its Python, and the files of sidecar/deploy."""

import os
import shutil
import sys
from pathlib import Path
from shlex import quote

import hookgate_sidecar
from hookgate.paths import is_there

# What systemd's ProtectHome= and PrivateTmp= hide from what a unit runs.
HOMES = ("/home/", "/root/", "/run/user/")
TEMPORARY = ("/tmp/", "/var/tmp/")  # noqa: S108  # compared with


def own_program() -> str:
    """Return the program that runs, as a whole path."""
    return os.path.abspath(shutil.which(sys.argv[0]) or sys.argv[0])  # noqa: PTH100  # links stay


def own_command() -> str:
    """Return the program as a person calls it in any folder."""
    program = own_program()
    return "hookgate" if shutil.which("hookgate") == program else quote(program)


def python_of(program: str) -> str:
    """Return the Python of an installed program; a venv's is a link to where it was made from."""
    return os.path.realpath(Path(program).with_name("python"))


def shipped(name: str) -> str:
    """Return the text of a file of sidecar/deploy, as a wheel or a checkout has it.

    Raises OSError where it is not there.
    """
    room = Path(hookgate_sidecar.__file__).parent
    packed = room / "deploy" / name
    file = packed if is_there(packed) else room.parent / "deploy" / name
    return file.read_text(encoding="utf-8")
