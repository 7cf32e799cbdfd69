"""What is kept and proven: the quarantine, the ledger's state, and notes."""

import time
from collections.abc import Iterator
from pathlib import Path

from hookgate.ledger.seal import Keyring, split_keys
from hookgate.ledger.state import StateError, find_states, read_state
from hookgate.paths import is_file, is_folder
from hookgate.quarantine.error import StoreError
from hookgate.quarantine.keeping import may_be_in_custody
from hookgate.quarantine.store import Store

from .check import BlindError, Finding, look, wrong
from .scene import Scene
from .unit_files import read_unit

_FULL = 0.9
_DAY = 86_400.0
_SOON = 3 * _DAY
_ANCHOR = "hookgate-anchor.service"
# The timer is hourly.
_LATE_SECONDS = 2 * 3600.0


def quarantine(scene: Scene) -> Iterator[Finding]:
    """What waits in the quarantine for a person."""
    settings = scene.settings.quarantine
    path = Path(settings.path).absolute()
    if not settings.path or not is_folder(path):
        return
    bounds = {"max_items": settings.max_items, "max_bytes": settings.max_bytes}
    store = Store(path, None, **bounds, max_age=settings.max_age)
    try:
        entries = list(store.entries())
    except StoreError as error:
        raise BlindError(str(error)) from None
    listing = f"{scene.command} quarantine list{scene.option}"
    in_custody = sum(map(may_be_in_custody, entries))
    if in_custody:
        yield wrong(
            f"{in_custody} events are in custody in the quarantine: their sender was told that "
            "they arrived, and nobody sends them again",
            "mend why they were refused, then replay them (docs/quarantine.md):",
            listing,
        )
    expiring = sum(
        not may_be_in_custody(entry) and entry.kept_at + settings.max_age - time.time() < _SOON
        for entry in entries
    )
    if expiring:
        yield look(
            f"{expiring} items of the quarantine expire within three days",
            "replay or purge them (docs/quarantine.md):",
            listing,
        )
    if len(entries) >= _FULL * settings.max_items or (
        sum(entry.size for entry in entries) >= _FULL * settings.max_bytes
    ):
        yield look(
            f"the quarantine is nearly full, with {len(entries)} items: soon nothing more is kept",
            "replay or purge what is there, or raise quarantine.max_items and max_bytes:",
            listing,
        )


def state(scene: Scene) -> Iterator[Finding]:
    """Whether the state files are what the gate wrote."""
    path = scene.ledger
    if path is None or scene.is_nginx:
        return  # nginx keeps none
    keyring = Keyring(split_keys(scene.settings.audit.seal_key))
    verify = f"{scene.command} audit verify{scene.option}"
    for file in find_states(path):
        try:
            read_state(file, keyring)
        except StateError as error:
            yield look(
                f"{file} says nothing: {error}; the end of the ledger is proven by less",
                "the next start writes it anew; see whether lines are missing:",
                verify,
            )
    if scene.ledgers and not find_states(path):
        yield look(
            f"no state file is beside {path}: nothing shows whether its end was cut off",
            "the next start of the gate writes one; see whether lines are missing:",
            verify,
        )


def anchor(scene: Scene) -> Iterator[Finding]:
    """Whether the timer's notes are signed still."""
    unit = read_unit(scene.units, _ANCHOR)
    if unit is None or not scene.has_systemd:
        return
    folder = Path("/var/lib") / (unit.last("StateDirectory") or "hookgate-anchor")
    newest = max((file.stat().st_mtime for file in folder.rglob("*") if is_file(file)), default=0.0)
    late = time.time() - newest
    if late > _LATE_SECONDS:
        told = f"for {late / 3600:.0f} hours" if newest else "yet"
        yield look(
            f"hookgate anchor is installed, and no note was written in {folder} {told}",
            "see why, and start it:",
            "systemctl enable --now hookgate-anchor.timer",
            "systemctl start hookgate-anchor.service",
        )
