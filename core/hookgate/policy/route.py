"""A route: what is asked of the events of one path, and what their senders are answered."""

from dataclasses import dataclass

from hookgate.settings import AnswerMode, RouteSettings

from .contract import Contract
from .contract_rules import ContractRules, parse_rules


@dataclass(frozen=True, slots=True)
class Route:
    """Hold what the events of one path are judged, recorded and answered by."""

    contract: Contract
    rules: ContractRules
    answer: AnswerMode


def compile_route(settings: RouteSettings) -> Route:
    """Compile a route. Raises `ContractError` where its contract, or the rules, cannot be used."""
    rules = parse_rules(settings.rules_text)
    contract = Contract(settings.contract, settings.contract_text)
    return Route(contract, rules, settings.answer or rules.answer)
