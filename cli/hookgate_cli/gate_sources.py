"""Where the state of gates is read: at their admin listeners, or in their ledgers."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, Protocol

import typer

from hookgate.address import ListenAddress
from hookgate.config.layers import gather
from hookgate.config.watching import read_admin
from hookgate.live.asking import ask_status
from hookgate.live.gate import Gate
from hookgate.live.ledgers import LedgerAnswers
from hookgate.live.step import Answer

from .common import fail
from .gate_urls import read_gates

GatesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--gate",
        metavar="URL",
        help="A gate's admin listener, like http://127.0.0.1:9180 or unix:/run/admin.sock, as"
        " often as needed; else sidecar.admin.",
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


class Source(Protocol):
    """What tells of one gate."""

    def read(self) -> Iterable[tuple[Answer | str, float]]:
        """Return what is told now, or why nothing is, each with its time in seconds since 1970."""
        ...


class Admin:
    """An admin listener."""

    def __init__(self, address: ListenAddress) -> None:
        self._address = address

    def read(self) -> Iterable[tuple[Answer | str, float]]:
        """Ask for /status."""
        told = ask_status(self._address)
        return [(told, time.time())]


class Followed:
    """A ledger, and those of its workers."""

    def __init__(self, path: Path) -> None:
        self._ledger = LedgerAnswers(path)

    def read(self) -> Iterable[tuple[Answer | str, float]]:
        """Read on."""
        return self._ledger.read(time.time())


class Place(NamedTuple):
    """A gate, and where it is read. `ledger` is its ledger's path, "" where the gate tells it."""

    gate: Gate
    source: Source
    ledger: str = ""


def choose(urls: Sequence[str], ledgers: Sequence[Path], config: str | None) -> list[Place]:
    """Choose those that are named, else the gate of the configuration; exit with 2 for none."""
    addresses = read_gates(urls)
    if not (addresses or ledgers):
        admin = read_admin(gather(config))
        if admin is None:
            ledgers = [_configured(config)]
        else:
            addresses = [admin]
    return [
        *(Place(Gate(str(address)), Admin(address)) for address in addresses),
        *(Place(Gate(str(path)), Followed(path), str(path.absolute())) for path in ledgers),
    ]


def _configured(config: str | None) -> Path:
    from .audit.configured import configured_ledger  # noqa: PLC0415  # netaddr takes 5 MiB

    path = configured_ledger(config)
    if str(path) == "-":
        fail(
            "there is nothing to show: the ledger is standard output; set sidecar.admin, like"
            ' "127.0.0.1:9180", and restart the gate, or name a ledger with --log'
        )
    return path
