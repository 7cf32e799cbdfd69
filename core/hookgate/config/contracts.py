"""The contracts that routes may name: shipped ones, and files of one's own."""

from importlib.resources import files

from hookgate.files import read_file, read_file_if_there
from hookgate.samples import CONTRACTS
from hookgate.text_file import without_bom
from hookgate.wording import nearest

DEFAULT_CONTRACT = "cm-events"
# Those of the documented webhooks; the strict one is another of the first.
SHIPPED_CONTRACTS = (DEFAULT_CONTRACT, "cm-events-strict", *CONTRACTS[1:])


def load_contract(name: str) -> bytes:
    """Read a contract's text: a shipped one's by name, else a file's. Raises `FileError`."""
    if name in SHIPPED_CONTRACTS:
        return files("hookgate").joinpath("contracts", f"{name}.json").read_bytes()
    return without_bom(read_file(name).data)


def offer_contract(name: str) -> str:
    """Return the mend for a name that neither a file nor a shipped contract has."""
    close = nearest(name, SHIPPED_CONTRACTS)
    if close is not None:
        return f'did you mean "{close}"?'
    return f"shipped: {', '.join(SHIPPED_CONTRACTS)}"


def rules_path(name: str) -> str:
    """Where the rules of one's own schema are: beside it, with its name and the ending .toml."""
    return f"{name.removesuffix('.json')}.toml"


def load_rules(name: str) -> bytes:
    """Read the rules beside a contract's schema, b"" where there are none. Raises `FileError`."""
    if name in SHIPPED_CONTRACTS:
        return files("hookgate").joinpath("contracts", f"{name}.toml").read_bytes()
    beside = read_file_if_there(rules_path(name))
    return without_bom(beside.data) if beside is not None else b""
