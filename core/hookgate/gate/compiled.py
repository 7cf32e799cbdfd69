"""A configuration, compiled: policy, privacy and the way upstream."""

from dataclasses import dataclass
from time import time

from hookgate.ledger.privacy import Privacy
from hookgate.libraries import libraries
from hookgate.policy import HEADERS, Decision, Policy
from hookgate.settings import Config, Keep
from hookgate.signing.sign import Signer
from hookgate.upstream.pool import UpstreamPool


@dataclass(frozen=True, slots=True)
class CompiledConfig:
    """What a delivery that begins now is judged, recorded and sent by.

    `host` replaces the sender's, where it is not b""; `client_field` is as in `upstream_head`;
    `signer` signs what is sent, None where nobody does. `keeps_refused` and `keeps_failed` say what
    goes to the quarantine.
    """

    config: Config
    policy: Policy
    privacy: Privacy
    upstream: UpstreamPool
    host: bytes
    client_field: bytes
    signer: Signer | None
    keeps_refused: bool
    keeps_failed: bool

    def may_keep(self, decision: Decision, body: bytes | None = None) -> bool:
        """Tell whether what was refused goes to the quarantine, as far as head or body tell."""
        return self.keeps_refused and self.policy.may_keep(decision, body)


def compile_config(
    config: Config, front: str, former: CompiledConfig | None = None
) -> CompiledConfig:
    """Compile a configuration, inside the event loop that will use it.

    The pool of the `former` one is kept where it is to send by the same settings.
    Raises `ContractError` for a contract and ValueError for TLS files that cannot be used.
    """
    unchanged = former is not None and former.config.upstream == config.upstream
    keeps = config.quarantine.keep if config.quarantine.path else frozenset[Keep]()
    return CompiledConfig(
        config,
        Policy(config, libraries(front), time),
        Privacy(config.audit.personal_data, config.audit.key),
        former.upstream if former is not None and unchanged else UpstreamPool(config.upstream),
        _upstream_host(config),
        b"" if config.source.header in HEADERS else config.source.header.encode(),
        Signer(config.upstream.sign_keys) if config.upstream.sign_keys else None,
        Keep.REFUSED in keeps,
        Keep.FAILED in keeps,
    )


def _upstream_host(config: Config) -> bytes:
    match config.upstream.host:
        case "preserve":
            return b""
        case "upstream":
            return config.upstream.url.partition("://")[2].encode()
        case literal:
            return literal.encode()
