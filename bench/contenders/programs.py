"""The programs of the contenders: where they are, and what they say of themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def find_program(name: str) -> str:
    """Return where a program is, /usr/sbin included; its bare name where it is nowhere."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or name


def first_line(*command: str) -> str:
    """Run a command and return the first line that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).splitlines()[0]


def beside_python(name: str) -> str:
    """Return the path of a program that is installed beside this Python."""
    return str(Path(sys.executable).with_name(name))
