"""The policy: pure functions from a request to a verdict."""

from .checks import CHECKS, OBSERVABLE, OnNginx, Phase
from .contract import Contract
from .contract_rules import ContractRules, RulesError, parse_rules
from .decision import Decision
from .document import salvage
from .fields_read import is_read
from .forwarded import HEADERS
from .framing import declared_length
from .policy import Policy, Step
from .request import Fields, Head, make_head
from .route import Route, compile_route
from .source import UNIX_PEER, Origin, Standing
from .validator import ContractError
from .verdict import ENDS_CONNECTION, Fault, Finding, Outcome, Reason

__all__ = [
    "CHECKS",
    "ENDS_CONNECTION",
    "HEADERS",
    "OBSERVABLE",
    "UNIX_PEER",
    "Contract",
    "ContractError",
    "ContractRules",
    "Decision",
    "Fault",
    "Fields",
    "Finding",
    "Head",
    "OnNginx",
    "Origin",
    "Outcome",
    "Phase",
    "Policy",
    "Reason",
    "Route",
    "RulesError",
    "Standing",
    "Step",
    "compile_route",
    "declared_length",
    "is_read",
    "make_head",
    "parse_rules",
    "salvage",
]
