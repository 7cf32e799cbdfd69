"""The contracts that routes may name: shipped ones, and files of one's own."""

from importlib.resources import files

from hookgate.files import read_file
from hookgate.text_file import without_bom

DEFAULT_CONTRACT = "cm-events"
SHIPPED_CONTRACTS = ("cm-events", "cm-events-strict")


def load_contract(name: str) -> bytes:
    """Read a contract's text: a shipped one's by name, else a file's. Raises `FileError`."""
    if name in SHIPPED_CONTRACTS:
        return files("hookgate").joinpath("contracts", f"{name}.json").read_bytes()
    return without_bom(read_file(name).data)
