"""The gates of a fleet as `hookgate live` and `hookgate top` read them, by one connection."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from hookgate.config.redaction import redact_url
from hookgate.fleet.admin import check_name
from hookgate.fleet.store_client import StoreClient
from hookgate.live.gate import Gate
from hookgate.live.stored import StoredGates
from hookgate_cli.audit.asked import Asked
from hookgate_cli.common import fail
from hookgate_cli.gate_source import Ledger, Told
from hookgate_cli.gate_urls import MOST_GATES

from .login import load_dsn, read_dsn


class StoredFleet:
    """What a store has. Exits with 2 where the DSN, or the name of a gate, cannot be one."""

    def __init__(self, asked: Asked) -> None:
        names = _read_names(asked.gates or ())
        file = asked.dsn_file
        read_dsn(file)  # tells at once what is wrong with it
        self._gates = StoredGates(StoreClient(lambda: _load(file)), names, MOST_GATES)
        named = ("--dsn-file", str(file)) if file is not None else ()
        self._ledger = Ledger(options=("--fleet", *named))

    @property
    def gates(self) -> Sequence[Gate]:
        """Those that are known by now."""
        return self._gates.gates

    def read(self) -> Iterable[Told]:
        """Read on."""
        return self._gates.read(time.time)

    def ledger_of(self, gate: Gate) -> Ledger:  # noqa: ARG002  # Source's own
        """Return how the store is asked: another gate may have had the same event."""
        return self._ledger


def _load(file: Path | None) -> str:
    return load_dsn(file)[0] if file is not None else ""


def _read_names(names: Sequence[str]) -> list[str]:
    if len(names) > MOST_GATES:
        fail(f"--gate is given {len(names)} times; at most {MOST_GATES} fit on a page")
    for name in names:
        try:
            check_name(name)
        except ValueError as error:
            shown = redact_url(name) if ":" in name else name
            also = "; a URL goes without --fleet" if ":" in name else ""
            fail(f"--gate {shown} {error}{also}")
    return list(dict.fromkeys(names))
