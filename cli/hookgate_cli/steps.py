"""The steps of a judgement, as `check` and `audit explain` show them."""

from dataclasses import replace
from typing import Any

from hookgate.policy import Decision, Reason, Step
from hookgate.settings import Config


def without_signatures(config: Config) -> Config:
    """Return the configuration for a request of which the fields that sign it are not there."""
    return replace(config, routes=tuple(replace(route, signature=None) for route in config.routes))


def describe_step(step: Step, decision: Decision) -> dict[str, Any]:
    """Return a check's result for JSON, with the values that a contract's findings are about."""
    finding = step.finding
    details = list(finding.details) if finding is not None else []
    if finding is not None and finding.reason is Reason.CONTRACT_VIOLATION:
        document, route = decision.document, decision.route
        if document is not None and route is not None:
            details = list(route.contract.find_with_values(document))
    return {
        "check": step.check,
        "saw": step.saw,
        "result": "skipped" if not step.ran else "ok" if finding is None else finding.reason.code,
        "mode": "enforce" if step.enforced else "observe",
        "details": details,
    }
