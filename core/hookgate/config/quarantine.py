"""What the quarantine needs, and what needs the quarantine."""

from collections.abc import Mapping, Sequence
from typing import Any

from hookgate.policy import RulesError, parse_rules
from hookgate.policy.contract_rules import ContractRules
from hookgate.quarantine.encryption import QuarantineKeyError, parse_recipients
from hookgate.settings import AnswerMode, Keep, QuarantineSettings, RouteSettings

from .contracts import SHIPPED_CONTRACTS
from .draft import Draft
from .error import ConfigError
from .keys import KEYS
from .layers import Sources

_PATH, _RECIPIENTS = "quarantine.path", "quarantine.recipients"


def read_settings(sources: Sources) -> QuarantineSettings:
    """Read what the quarantine alone goes by, whatever is wrong with other keys.

    Raises `ConfigError`.
    """
    keys = [key for key in KEYS if key.section == "quarantine"]
    draft = Draft(sources.keys, sources.problems if sources.unread else ())
    draft.parse(keys)
    if draft.problems:
        raise ConfigError(draft.problems)
    return make_settings({key.name: draft.values[key.path] for key in keys})


def make_settings(values: Mapping[str, Any]) -> QuarantineSettings:
    """Make the settings of the section's values, by name."""
    return QuarantineSettings(**{**values, "keep": frozenset(map(Keep, values["keep"]))})


def check_quarantine(draft: Draft, routes: Sequence[RouteSettings]) -> None:
    """Find recipients that nothing can be encrypted to, and routes that cannot have custody."""
    values, problems = draft.values, draft.problems
    path, recipients = values[_PATH], values[_RECIPIENTS]
    if path and not recipients:
        problems.append(
            f"{_RECIPIENTS} is missing; what is kept in {_PATH} is encrypted: run hookgate keys "
            "new quarantine FILE where replays will be made, and write the public key that it "
            'prints here, like ["age1..."]'
        )
    if recipients:
        try:
            parse_recipients(recipients)
        except QuarantineKeyError as error:
            problems.append(f"{draft.origin(_RECIPIENTS)}{_RECIPIENTS} {error}")
    if recipients and not path:
        draft.warnings.append(f"nothing is kept for {_RECIPIENTS}: {_PATH} is empty; name a folder")
    if values["fleet.quarantine"] and not path:
        draft.warnings.append(f"nothing is kept that fleet.quarantine could ship: {_PATH} is empty")
    for number, route in enumerate(routes, 1):
        named = f'route {number} ("{route.path}")'
        rules = _rules(route)
        is_own = route.contract not in SHIPPED_CONTRACTS
        if path and is_own and rules is not None and rules.retry is None:
            draft.warnings.append(
                f"{named}: its contract has no [retry] in the rules beside it, so a replay cannot "
                "tell what its sender still tries, and may double it; write one, like that of "
                "hookgate schema show cm-events --rules"
            )
        if not route.custody:
            continue
        where = f"{named}: custody"
        if not path:
            problems.append(
                f"{where} needs {_PATH}: an event that is refused is answered 200 only where it is "
                "kept; set it, or leave custody out"
            )
        if (route.answer or (rules and rules.answer)) is AnswerMode.RELAY:
            problems.append(
                f'{where} cannot be had with answer = "relay": the sender waits for what the '
                'endpoint says; leave custody out, or write answer = "200"'
            )


def _rules(route: RouteSettings) -> ContractRules | None:
    """The rules of a route's contract; None where they cannot be used, which is told already."""
    try:
        return parse_rules(route.rules_text)
    except RulesError:
        return None
