"""`hookgate schema`: the contracts that ship with the package, and one's own."""

import json
import sys
from typing import Annotated

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hookgate.config.contracts import (
    SHIPPED_CONTRACTS,
    load_contract,
    load_rules,
    offer_contract,
    rules_path,
)
from hookgate.config.routes import check_contract
from hookgate.files import AbsentFileError, FileError
from hookgate.policy import Contract, ContractRules, parse_rules
from hookgate.policy.contract_rules import EACH

from .common import fail, out
from .completing import one_of
from .terminal import printable

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The contracts that ship with the package, and yours.",
)


@app.command("list")
def list_() -> None:
    """Name the shipped contracts and say what each is for."""
    for name in SHIPPED_CONTRACTS:
        schema = json.loads(load_contract(name))
        out.print(Text(name, "bold").append(f"  {schema['title']}", "not bold"))
        out.print(Padding(Text(schema["description"]), (0, 0, 0, 2), expand=False))


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            help="As in `hookgate schema list`.", autocompletion=one_of(SHIPPED_CONTRACTS)
        ),
    ],
    rules: Annotated[
        bool, typer.Option("--rules", help="Its answer, retry rule and what is recorded.")
    ] = False,
) -> None:
    """Print a contract, to read or to start your own from.

    Examples:

      hookgate schema show cm-events > my-events.json

      hookgate schema show cm-events --rules > my-events.toml
    """
    if name not in SHIPPED_CONTRACTS:
        fail(f'"{name}" is no shipped contract; {offer_contract(name)}')
    sys.stdout.write((load_rules(name) if rules else load_contract(name)).decode())


@app.command()
def check(
    file: Annotated[
        str,
        typer.Argument(
            help="A JSON Schema, or the name of a shipped contract.",
            autocompletion=one_of(SHIPPED_CONTRACTS),
        ),
    ],
) -> None:
    """Say what is wrong with a contract and the rules beside it, or what was understood.

    The rules of FILE.json are in FILE.toml; they need not be there. Exits 2 if anything is wrong.

    Examples:

      hookgate schema check my-events.json

      hookgate schema check cm-messages
    """
    try:
        text = load_contract(file)
    except FileError as error:
        mend = f"; {offer_contract(file)}" if isinstance(error, AbsentFileError) else ""
        fail(f"{file} {error}{mend}")
    problems, rules_text = check_contract(file, text)
    if problems:
        fail([f"{file} {problem}" for problem in problems])
    contract, rules = Contract(file, text), parse_rules(rules_text)
    out.print(Text(f"{printable(file)}: fine.", "bold"))
    table = Table(box=None, padding=(0, 2), show_header=False)
    shipped = file in SHIPPED_CONTRACTS
    where = "shipped" if shipped else rules_path(file) if rules_text else "none beside it"
    table.add_row("rules", Text(printable(where)))
    for name, told in _understood(contract, rules):
        table.add_row(name, Text(printable(told), overflow="fold"))
    out.print(table)


def _understood(contract: Contract, rules: ContractRules) -> list[tuple[str, str]]:
    kinds = {dict: "an object", list: "an array"}
    tops = [kinds[top] for top in kinds if top in contract.tops]
    retry = rules.retry.text if rules.retry is not None else "not known: never presumed lost"
    rows = [
        ("top level", " or ".join(tops)),
        ("answer", str(rules.answer)),
        ("retry", f"{retry}{', assumed' if rules.assumed else ''}"),
        ("a refusal", f"{'tells' if contract.tells_places else 'does not tell'} the place"),
    ]
    if contract.tolerates_more:
        rows.append(("tolerates", "what keeps x-tolerated alone: it passes, and is unusual"))
    for field, pointers in rules.read.items():
        if pointers:
            told = ", ".join(map(_written, pointers))
            nowhere = dict not in contract.tops and all(steps[0] != EACH for steps in pointers)
            mend = '; it leads nowhere in an array, begin it with "/*"' if nowhere else ""
            rows.append((f"records {field}", f"{told}{mend}"))
    return rows


def _written(steps: tuple[str, ...]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
