"""`hookgate ship`: the ledger of this gate into the store of its fleet."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

if find_spec("psycopg") is None:
    raise ImportError("the package psycopg is missing: pip install 'hookgate[fleet]'")

from hookgate.config.fleet import read_settings
from hookgate.config.layers import gather
from hookgate.config.parsers import duration
from hookgate.fleet.error import StoreError
from hookgate.fleet.item_store import ItemStore
from hookgate.fleet.items import ItemShipper
from hookgate.fleet.loop import POLL_SECONDS, ship_once
from hookgate.fleet.loop import ship as ship_on
from hookgate.fleet.shipper import Shipper
from hookgate.fleet.store import Store
from hookgate.fleet.telling import Telling
from hookgate.fleet.waiting import Waiting
from hookgate.log import make_log
from hookgate_sidecar.orphan import be_told

from .audit.wording import count_of
from .common import FAILED, AuditOption, ConfigOption, fail, out, plain_errors
from .fleet.login import load_dsn, read_dsn, store_errors
from .ship_items import begin, make_shipper, ship_all
from .signal_event import SignalEvent

# What a stop waits for: lines that are not sent then stay in the ledger, and are sent next time.
_FLUSH_SECONDS = 2.0
_LONGEST_WAIT = 7 * 86_400
# As hookgate-ship.service has it.
_NICE, _OOM_SCORE = 5, "500"


class _Late(BaseException):
    """A stop has waited for long enough."""


def ship(
    once: Annotated[
        bool, typer.Option("--once", help="Ship what the ledger holds now, and end.")
    ] = False,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait", help="Ship nothing; end once all that the ledger holds now was shipped."
        ),
    ] = False,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="With --wait: give up then.")
    ] = "5m",
    config: ConfigOption = None,
    audit: AuditOption = None,
    beside: Annotated[int | None, typer.Option("--beside", metavar="PID", hidden=True)] = None,
) -> None:
    """Ship this gate's ledger, with its workers' and rotated files, to the store of its fleet.

    It goes by audit.path and [fleet] in hookgate.toml, and runs beside the gate until SIGTERM. The
    gate knows nothing of it: while the store is away, lines wait in the ledger. The store says how
    far it is, so nothing is shipped twice, and nothing is left out that is still there.

    With fleet.quarantine it ships what the quarantine holds too, encrypted as it is.

    What nginx logs and what a gate prints to "-" has no place in a chain, and is not shipped.

    Exits 1 if the store cannot be used (--once), or lacks lines after --timeout (--wait).

    Examples:

      hookgate ship --config /etc/hookgate/hookgate.toml

      hookgate ship --wait --timeout 10m
    """
    with plain_errors():
        overrides = {} if audit is None else {"audit.path": audit}
        sources = gather(config, overrides)
        path, settings = read_settings(sources)
    ledger, dsn_file = Path(path), Path(settings.dsn_file)
    read_dsn(dsn_file)  # tells at once what is wrong with it

    def connect() -> Store:
        # Read each time: a new password counts without a restart.
        return Store.connect(load_dsn(dsn_file)[0])

    # What sends must not wait 5 ms for what reads.
    sys.setswitchinterval(0.0001)
    ended = SignalEvent()
    log = make_log(process="ship")
    shipper = Shipper(ledger, settings.name, connect, log)
    items = None
    if settings.quarantine:
        items = make_shipper(sources, lambda: ItemStore.connect(load_dsn(dsn_file)[0]), log)
        shipper.on_released = items.note
    try:
        with _ended_by_signals(ended):
            if wait:
                _wait(ledger, connect, timeout, ended)
            elif once:
                _ship_once(shipper, items, dsn_file, ended)
            else:
                if beside is not None:
                    _go_second(beside)
                log.info("ship.started", gate=settings.name, ledger=path)
                if items is not None:
                    begin(items, log, ended)
                with Telling(ledger, settings.name, shipper, log):
                    ship_on(shipper, log, ended)
                log.info("ship.stopped", lines=shipper.lines)
    except _Late:
        log.info("ship.stopped", lines=shipper.lines)
        sys.exit(FAILED if wait or once else 0)


def _go_second(gate: int) -> None:
    """End when the gate with this process id does, and leave it processor and memory first."""
    be_told(gate, signal.SIGTERM)
    os.nice(_NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")


def _ship_once(shipper: Shipper, items: ItemShipper | None, dsn_file: Path, ended: Event) -> None:
    with store_errors(dsn_file):
        is_done = ship_once(shipper, ended)
        sent = [count_of(shipper.lines, "line")]
        if items is not None:
            sent.append(count_of(ship_all(items, ended), "item"))
    shipper.close()
    out.print(f"shipped: {', '.join(sent)}")
    sys.exit(0 if is_done else FAILED)


@contextmanager
def _ended_by_signals(ended: Event) -> Iterator[None]:
    def end(*_: object) -> None:
        ended.set()
        signal.setitimer(signal.ITIMER_REAL, _FLUSH_SECONDS)

    def give_up(*_: object) -> None:
        raise _Late

    handlers = {signal.SIGALRM: give_up, signal.SIGTERM: end, signal.SIGINT: end}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(ledger: Path, connect: Callable[[], Store], timeout: str, ended: Event) -> None:
    try:
        until = time.monotonic() + duration(0.01, _LONGEST_WAIT)(timeout)
    except ValueError as error:
        fail(f"--timeout {timeout} {error}")
    left, why = 0, ""
    while not ended.is_set():
        try:
            store = connect()
            waiting = Waiting(ledger)
            for _ in waiting.read(store):
                if ended.is_set():
                    fail("ended before all was shipped", FAILED)
            if waiting.unread:
                fail(f"{waiting.unread[0]} cannot be read, so what it holds may not be shipped")
            while (left := waiting.left(store)) and not ended.wait(POLL_SECONDS):
                if time.monotonic() >= until:
                    break
            store.close()
            if not left:
                return
        except StoreError as error:
            why = f": {error}"
            ended.wait(1.0)
        if time.monotonic() >= until:
            break
    lacks = f"{count_of(left, 'line')} not shipped yet" if left else "not all is shipped"
    fail(f"{lacks}{why}", FAILED)
