"""The routes of a configuration, each with its contract."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hookgate.files import AbsentFileError, FileError
from hookgate.policy import Contract, ContractError, RulesError, parse_rules
from hookgate.settings import AnswerMode, RouteSettings

from .contracts import (
    DEFAULT_CONTRACT,
    load_contract,
    load_rules,
    offer_contract,
    rules_path,
)
from .keys import ROUTE_KEYS
from .layers import Given
from .redaction import shown, shown_path
from .route_path import parse_route_path
from .route_signature import read_signature
from .tables import parse_table

_SIGNATURE = "signature"


def build_routes(
    given: Given, problems: list[str], warnings: list[str]
) -> tuple[RouteSettings, ...]:
    """Check the routes and read their contracts; without any, every path has the default one.

    Appends a line to `problems` for each thing wrong, and to `warnings` for what is taken and had
    better be mended.
    """
    items, origin = given
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        problems.append(f"{origin}: route is a list of tables; write [[route]] and its keys below")
        return ()
    if not items:
        return (_route("default", {"path": "", "contract": DEFAULT_CONTRACT}, problems),)
    routes: list[RouteSettings] = []
    numbers: dict[str, int] = {}
    for number, item in enumerate(items, 1):
        named = f"{origin}: route {number}"
        where = f"{named}{_told_path(item.get('path'))}: "
        values: dict[str, Any] = {"path": "", "contract": DEFAULT_CONTRACT}
        values |= parse_table(ROUTE_KEYS, item, where, problems, also=(_SIGNATURE,))
        signature = None
        if _SIGNATURE in item:
            signature = read_signature(where, item[_SIGNATURE], problems, warnings)
        path = values["path"]
        if "path" not in item:
            problems.append(f'{where}path is missing; write it like "/cm/events"')
        if path in numbers:
            problems.append(
                f"{named}: path = {shown(path)} has a route already, route {numbers[path]}; "
                "leave one of them out"
            )
        elif path:
            numbers[path] = number
        routes.append(replace(_route(where, values, problems), signature=signature))
    return tuple(routes)


def _told_path(given: Any) -> str:
    """A route's path behind its number; "" for one that is none, which is told of itself."""
    try:
        return f" ({shown(parse_route_path(given))})"
    except ValueError:
        return ""


def _route(where: str, values: Mapping[str, Any], problems: list[str]) -> RouteSettings:
    path, contract = values["path"], values["contract"]
    answer = AnswerMode(values["answer"]) if "answer" in values else None
    custody = values.get("custody", False)
    route = RouteSettings(path, contract, b"{}", b"", answer, custody)
    named = f"{where}contract = {shown_path(contract)}"
    try:
        route = replace(route, contract_text=load_contract(contract))
    except FileError as error:
        mend = f"; {offer_contract(contract)}" if isinstance(error, AbsentFileError) else ""
        problems.append(f"{named} {error}{mend}")
        return route
    found, rules_text = check_contract(contract, route.contract_text)
    problems += (f"{named} {problem}" for problem in found)
    return replace(route, rules_text=rules_text)


def check_contract(name: str, text: bytes) -> tuple[list[str], bytes]:
    """Return what is wrong with a contract's schema and the rules beside it, and these rules."""
    problems: list[str] = []
    beside = f"has rules beside it, {shown_path(rules_path(name))}:"
    rules = b""
    try:
        Contract(name, text)
    except ContractError as error:
        problems += (f"is no usable schema: {problem}" for problem in error.problems)
    try:
        rules = load_rules(name)
        parse_rules(rules)
    except FileError as error:
        problems.append(f"{beside} the file {error}")
    except RulesError as error:
        problems += (f"{beside} {problem}" for problem in error.problems)
    return problems, rules
