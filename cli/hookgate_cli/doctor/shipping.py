"""The way of the ledger to the store of a fleet."""

import os
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from hookgate.config.error import ConfigError
from hookgate.config.fleet import read_settings
from hookgate.config.key_files import read_private
from hookgate.files import FileError
from hookgate.ledger.shipping import read_shipping, shipping_path
from hookgate.paths import is_there
from hookgate.times import show_time
from hookgate.wording import path_in_shell

from .check import BlindError, Finding, look, wrong
from .scene import Scene

_LATE_SECONDS = 60.0


def shipping(scene: Scene) -> Iterator[Finding]:
    """Whether the store can be used, and a shipper keeps up."""
    fleet, path = scene.settings.fleet, scene.ledger
    if not (fleet.name or fleet.dsn_file) or find_spec("psycopg") is None:
        return
    again = f"{scene.command} ship --once{scene.option}"
    try:
        read_settings(scene.sources)
    except ConfigError as error:
        for problem in error.problems:
            yield wrong(problem, "nothing is shipped until then; then try again:", again)
        return
    try:
        data, warning = read_private(fleet.dsn_file)
    except FileError as error:
        if is_there(fleet.dsn_file) and not os.access(fleet.dsn_file, os.R_OK):
            if path is not None:
                yield from _shipper(scene, path)
            raise BlindError(f"{fleet.dsn_file} is its owner's and root's alone") from None
        yield wrong(f"fleet.dsn_file = {fleet.dsn_file} {error}", "then try again:", again)
        return
    if warning:
        yield look(
            f"fleet.dsn_file = {fleet.dsn_file} {warning}",
            "",
            f"chmod o= {path_in_shell(fleet.dsn_file)}",
        )
    why = _try(data.decode("utf-8", "replace").strip())
    if why:
        yield wrong(
            f"the store of the fleet cannot be used: {why}",
            "lines wait in the ledger meanwhile; docs/fleet.md says what to look at. Try again:",
            again,
        )
    if path is not None:
        yield from _shipper(scene, path)


def _try(dsn: str) -> str:
    from hookgate.fleet.error import StoreError  # noqa: PLC0415  # needs the extra
    from hookgate.fleet.store import Store  # noqa: PLC0415  # likewise

    try:
        Store.connect(dsn).close()
    except StoreError as error:
        return str(error)
    return ""


def _shipper(scene: Scene, path: Path) -> Iterator[Finding]:
    file = shipping_path(path)
    if is_there(file) and not os.access(file, os.R_OK):
        raise BlindError(f"{file} is its owner's and root's alone")
    told, now = read_shipping(file), time.time()
    begin = "start it, and have it start with the machine:", "systemctl enable --now hookgate-ship"
    if not scene.has_unit("hookgate-ship.service"):
        begin = "run it beside the gate (docs/fleet.md):", f"{scene.command} ship{scene.option}"
    if told is None or not told.is_running(now):
        if scene.ledgers:
            since = f" since {show_time(told.told, 'seconds')}" if told is not None else ""
            yield look(
                f"no hookgate ship runs for {path}{since}: its lines wait in the ledger, and the"
                " store does not know whether the gate runs",
                *begin,
            )
    elif told.lag(now) > _LATE_SECONDS:
        why = f": {told.store}" if told.store else ""
        yield look(
            f"the store of the fleet lacks lines that are {told.lag(now):.0f} seconds old{why}",
            "look at the store and the way to it; this ends with 0 once it has all:",
            f"{scene.command} ship --wait{scene.option}",
        )
    if told is not None and any(told.findings.values()):
        found = ", ".join(f"{count} {kind}" for kind, count in told.findings.items() if count)
        yield wrong(
            f"the ledger and the store of the fleet contradict each other: {found}",
            "docs/fleet.md says what each means; see what the store has:",
            f"{scene.command} fleet status --dsn-file ADMIN-DSN",
        )
