"""Prometheus' own tool."""

import os
import shutil
import sys
from pathlib import Path

import pytest


def promtool() -> str:
    """Where it is: beside this Python, where `make test` unpacks it, or on the PATH.

    Skips where it is not.
    """
    beside = Path(sys.executable).parent
    found = shutil.which("promtool", path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip("promtool is not here: make promtool-here, or: apt-get install prometheus")
    return found
