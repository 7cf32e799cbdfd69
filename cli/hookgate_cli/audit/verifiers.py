"""Public keys of gates, as an option names them."""

from pathlib import Path
from typing import TYPE_CHECKING

from hookgate.paths import is_file
from hookgate_cli.common import fail, read_file

if TYPE_CHECKING:
    from hookgate.proof.note import Verifier

_MEND = "the gate's owner has it in the .pub file beside the private key"


def read_verifiers(option: str, given: str) -> "list[Verifier]":
    """Read a key, or a file of them, one a line. Exits with 2 where that is none."""
    from hookgate.proof.note import NoteError, Verifier  # noqa: PLC0415  # needs the extra

    file = Path(given)
    try:
        is_named = is_file(file)
    except (OSError, ValueError):
        is_named = False
    lines = read_file(file).decode("utf-8", "replace").splitlines() if is_named else [given]
    try:
        found = [Verifier.parse(line) for line in lines if line.strip()]
    except NoteError as error:
        where = (
            f"{option} {file}"
            if is_named
            else f"{option} is neither a file that is there nor a key"
        )
        fail(f"{where}: {error}; {_MEND}")
    if not found:
        fail(f"{option} {file} holds no key; {_MEND}")
    return found
