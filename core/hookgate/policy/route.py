"""A route: what is asked of the events of one path, and what their senders are answered."""

from dataclasses import dataclass

from hookgate.settings import AnswerMode, RouteSettings
from hookgate.signing.schemes import SCHEMES
from hookgate.signing.verify import Verifier

from .contract import Contract
from .contract_rules import ContractRules, parse_rules
from .event_reader import EventReader


@dataclass(frozen=True, slots=True)
class Route:
    """Hold what the events of one path are judged, recorded and answered by.

    `verifier` is None where they are not signed. `retry` is the retry rule as it is recorded, ""
    where none is known. `custody` says that what is refused is answered 200 once it is kept.
    """

    contract: Contract
    rules: ContractRules
    reader: EventReader
    answer: AnswerMode
    verifier: Verifier | None
    retry: str
    custody: bool


def compile_route(settings: RouteSettings) -> Route:
    """Compile a route. Raises `ContractError` where its contract, or the rules, cannot be used."""
    rules = parse_rules(settings.rules_text)
    contract = Contract(settings.contract, settings.contract_text)
    signature = settings.signature
    verifier = None
    if signature is not None:
        scheme = SCHEMES[signature.scheme]
        verifier = Verifier(scheme, signature.secrets, signature.tolerance)
    reader = EventReader(rules.read)
    retry = rules.retry.text if rules.retry is not None else ""
    answer = settings.answer or rules.answer
    return Route(contract, rules, reader, answer, verifier, retry, settings.custody)
