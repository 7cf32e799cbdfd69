"""What the quarantine needs, and what needs the quarantine."""

from collections.abc import Sequence

from hookgate.policy import ContractError, RulesError, parse_rules
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
    values = {key.name: draft.values[key.path] for key in keys}
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
    for number, route in enumerate(routes, 1):
        named = f'route {number} ("{route.path}")'
        if path and route.contract not in SHIPPED_CONTRACTS and _has_no_retry_rule(route):
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
        if _relays(route):
            problems.append(
                f'{where} cannot be had with answer = "relay": the sender waits for what the '
                'endpoint says; leave custody out, or write answer = "200"'
            )


def _has_no_retry_rule(route: RouteSettings) -> bool:
    try:
        return parse_rules(route.rules_text).retry is None
    except (ContractError, RulesError):
        return False  # told already


def _relays(route: RouteSettings) -> bool:
    if route.answer is not None:
        return route.answer is AnswerMode.RELAY
    try:
        return parse_rules(route.rules_text).answer is AnswerMode.RELAY
    except (ContractError, RulesError):
        return False  # told already
