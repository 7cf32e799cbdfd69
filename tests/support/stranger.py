"""Checking a receipt without hookgate: by the script of docs/proof.md, which has its own code."""

import io
import re
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import patch

from cryptography.exceptions import InvalidSignature

PAGE = (Path(__file__).parents[2] / "docs/proof.md").read_text()


def by_the_page(*arguments: str) -> list[str] | None:
    """Run the script with a receipt and a key; the lines that are proven, None where it fails."""
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    Path("check.py").write_text(script)
    out = io.StringIO()
    try:
        with patch.object(sys, "argv", ["check.py", *arguments]), redirect_stdout(out):
            runpy.run_path("check.py")
    except (SystemExit, InvalidSignature):
        return None
    return out.getvalue().splitlines()
