"""The policy: pure functions from a request to a verdict."""

from .checks import CHECKS, OBSERVABLE, OnNginx, Phase
from .contract import Contract
from .decision import Decision
from .document import salvage
from .fields_read import SIGNATURE_FIELDS, is_read
from .forwarded import HEADERS
from .framing import declared_length
from .policy import Policy, Step
from .request import Fields, Head, make_head
from .source import UNIX_PEER, Origin, Standing
from .validator import ContractError
from .verdict import ENDS_CONNECTION, Fault, Finding, Outcome, Reason

__all__ = [
    "CHECKS",
    "ENDS_CONNECTION",
    "HEADERS",
    "OBSERVABLE",
    "SIGNATURE_FIELDS",
    "UNIX_PEER",
    "Contract",
    "ContractError",
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
    "Standing",
    "Step",
    "declared_length",
    "is_read",
    "make_head",
    "salvage",
]
