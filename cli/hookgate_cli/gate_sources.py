"""Where the state of gates is read: at their admin listeners, in their ledgers, or in a store."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from hookgate.address import ListenAddress
from hookgate.config.layers import gather
from hookgate.config.watching import read_admin
from hookgate.live.asking import ask_status
from hookgate.live.gate import Gate
from hookgate.live.ledgers import LedgerAnswers
from hookgate.live.step import part, text
from hookgate.offering import ANYWHERE, Place

from .audit.asked import asked_of_fleet
from .audit.options import FleetOption, FleetOptions, StoreOption
from .common import fail
from .gate_source import Ledger, Source, Told
from .gate_urls import read_gates
from .offering import place_of

GatesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--gate",
        metavar="URL",
        help="A gate's admin listener, like http://127.0.0.1:9180 or unix:/run/admin.sock, as"
        " often as needed; else sidecar.admin. With --fleet the name of one of its gates.",
    ),
]
LedgersOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="A ledger in its place: of the addon, of nginx, or without an admin listener; as"
        " often as needed.",
    ),
]

# PATH_MAX of Linux.
_LONGEST_PATH = 4096


class Admin:
    """An admin listener."""

    def __init__(self, address: ListenAddress) -> None:
        self._address = address
        self.gates = (Gate(str(address)),)

    def read(self) -> Iterable[Told]:
        """Ask for /status."""
        told = ask_status(self._address)
        return [(self.gates[0], told, time.time())]

    def ledger_of(self, gate: Gate) -> Ledger:
        """Return what the gate calls its ledger."""
        return Ledger(text(part(gate.answer or {}, "ledger"), "path", _LONGEST_PATH))


class Followed:
    """A ledger, and those of its workers."""

    def __init__(self, path: Path) -> None:
        self._ledger, self._path = LedgerAnswers(path), str(path.absolute())
        self.gates = (Gate(str(path)),)

    def read(self) -> Iterable[Told]:
        """Read on."""
        return ((self.gates[0], told, at) for told, at in self._ledger.read(time.time()))

    def ledger_of(self, gate: Gate) -> Ledger:  # noqa: ARG002  # Source's own
        """Return its path."""
        return Ledger(self._path)


class GatesOptions(NamedTuple):
    """Which gates are shown, and where they are read."""

    gate: GatesOption = None
    log: LedgersOption = None
    fleet: FleetOption = False
    dsn_file: StoreOption = None


def choose(options: GatesOptions, config: str | None) -> list[Source]:
    """Choose those that are named, else the gate of the configuration; or those of a fleet.

    Exits with 2 for none, and for what does not go together.
    """
    gates, ledgers, is_fleet, dsn_file = options
    of_fleet = FleetOptions(is_fleet, gates if is_fleet else None, dsn_file)
    asked = asked_of_fleet(of_fleet, ledgers, config)
    if asked is not None:
        from .fleet.source import StoredFleet  # noqa: PLC0415  # needs the extra

        return [StoredFleet(asked)]
    addresses = read_gates(gates or ())
    if not (addresses or ledgers):
        admin = read_admin(gather(config))
        if admin is None:
            ledgers = [_configured(config)]
        else:
            addresses = [admin]
    return [*map(Admin, addresses), *map(Followed, ledgers or ())]


def place_of_gates(options: GatesOptions, config: str | None) -> Place:
    """Find where the gates are that `choose` chooses: of those that are named, nobody knows."""
    is_named = options.gate or options.log or options.fleet
    return ANYWHERE if is_named else place_of(config)


def _configured(config: str | None) -> Path:
    from .audit.configured import configured_ledger  # noqa: PLC0415  # netaddr takes 5 MiB

    path = configured_ledger(config)
    if str(path) == "-":
        fail(
            "there is nothing to show: the ledger is standard output; set sidecar.admin, like"
            ' "127.0.0.1:9180", and restart the gate, or name a ledger with --log'
        )
    return path
