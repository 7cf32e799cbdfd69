"""`hookgate schema`: the contracts that ship with the package."""

import json
import sys
from typing import Annotated

import typer
from rich.text import Text

from hookgate.config.contracts import SHIPPED_CONTRACTS, load_contract

from .common import fail, out

app = typer.Typer(no_args_is_help=True, help="The contracts that ship with the package.")


@app.command("list")
def list_() -> None:
    """Name the shipped contracts and say what each is for."""
    for name in SHIPPED_CONTRACTS:
        schema = json.loads(load_contract(name))
        title = Text(name, "bold").append(f"  {schema['title']}\n", "not bold")
        out.print(title.append(f"  {schema['description']}", "not bold"))


@app.command()
def show(name: Annotated[str, typer.Argument(help="As in `hookgate schema list`.")]) -> None:
    """Print a contract, to read or to start your own from.

    Example:

      hookgate schema show cm-events > my-events.json
    """
    if name not in SHIPPED_CONTRACTS:
        fail(f'"{name}" is no shipped contract; there are {", ".join(SHIPPED_CONTRACTS)}')
    sys.stdout.write(load_contract(name).decode())
