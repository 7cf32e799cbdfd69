"""The files of sidecar/deploy, as a wheel or a checkout has them."""

from pathlib import Path

import hookgate_sidecar


def shipped(name: str) -> str:
    """Return the text of a file of sidecar/deploy. Raises OSError where it is not there."""
    room = Path(hookgate_sidecar.__file__).parent
    packed = room / "deploy" / name
    file = packed if packed.exists() else room.parent / "deploy" / name
    return file.read_text(encoding="utf-8")
