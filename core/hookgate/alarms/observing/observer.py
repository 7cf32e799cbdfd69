"""All that is seen of a gate: ledgers, admin listener, quarantine and certificates."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from hookgate.alarms.sight import AdminSight, Sight
from hookgate.config.certificates import read_validity
from hookgate.config.watching import WatchSettings
from hookgate.files import FileError
from hookgate.ledger.reading.tail import PATIENCE_SECONDS, Position
from hookgate.ledger.record import Record
from hookgate.ledger.shipping import read_shipping, shipping_path
from hookgate.quarantine.entry import Usage
from hookgate.quarantine.error import StoreError
from hookgate.quarantine.keeping import may_be_in_custody
from hookgate.quarantine.store import Store

from .admin import AdminPoller, ask
from .ledgers import Ledgers

_ASK_SECONDS = 1.0
_LIST_SECONDS = 2.0
# A look through a quarantine of 10,000 items takes 0.3 s; certificates change seldom.
_SLOW_SECONDS = 300.0


class Observer:
    """Look at what the settings name; each thing as often as it needs.

    `is_once` asks the admin listener at each look, and waits for it.
    """

    def __init__(
        self, settings: WatchSettings, positions: Mapping[str, Position], *, is_once: bool
    ) -> None:
        self._settings = settings
        paths = (settings.ledger, *settings.alarm.ledgers)
        files = [Path(path).absolute() for path in paths if path]
        self.ledgers = Ledgers(files, positions, 0.0 if is_once else PATIENCE_SECONDS)
        ledger = settings.ledger
        self._shipping = shipping_path(Path(ledger).absolute()) if ledger else None
        self._admin_poller: AdminPoller | None = None
        if settings.admin is not None and not is_once:
            self._admin_poller = AdminPoller(settings.admin, _ASK_SECONDS)
        self._listed = self._slow_at = -_SLOW_SECONDS
        self._slow = Sight(0.0)

    def records(self) -> Iterator[tuple[Record, str]]:
        """Yield what was written since, not all at a time."""
        now = time.monotonic()
        if now - self._listed >= _LIST_SECONDS:
            self._listed = now
            self.ledgers.look()
        return self.ledgers.poll()

    def sight(self) -> Sight | None:
        """Return what else is to be seen; None as long as the admin listener was not heard."""
        admin = self._admin()
        if admin is None and self._settings.admin is not None:
            return None
        now = time.monotonic()
        if now - self._slow_at >= _SLOW_SECONDS:
            self._slow_at = now
            self._slow = self._look_slowly()
        usage = self._slow.usage
        if admin is not None and "hookgate_quarantine_items" in admin.metrics:
            usage = _usage_of(admin.metrics)
        return self._slow._replace(
            wall=time.time(),
            admin=admin,
            ledgers=self.ledgers.sights(),
            usage=usage,
            shipping=read_shipping(self._shipping) if self._shipping is not None else None,
            is_shipped=self._settings.is_shipped,
        )

    def _admin(self) -> AdminSight | None:
        if self._admin_poller is not None:
            return self._admin_poller.latest()
        return ask(self._settings.admin) if self._settings.admin is not None else None

    def _look_slowly(self) -> Sight:
        validities, unread = {}, {}
        for key, path in self._settings.certificates.items():
            try:
                validities[key] = read_validity(key, path)
            except FileError as error:
                unread[key] = str(error)
        usage = self._count() if self._settings.admin is None else None
        return Sight(0.0, validities=validities, unread=unread, usage=usage)

    def _count(self) -> Usage | None:
        """Look through the folder of the quarantine, without its lock, which a gate may want."""
        bounds = self._settings.quarantine
        if not bounds.path:
            return None
        items = size = in_custody = 0
        oldest: float | None = None
        store = Store(
            Path(bounds.path),
            None,
            max_items=bounds.max_items,
            max_bytes=bounds.max_bytes,
            max_age=bounds.max_age,
        )
        try:
            for entry in store.entries():
                items, size = items + 1, size + entry.size
                is_held = may_be_in_custody(entry)
                in_custody += is_held
                if not is_held:
                    oldest = min(oldest or entry.kept_at, entry.kept_at)
        except (StoreError, OSError):
            return None  # not_kept tells of one that cannot be used
        return Usage(items, size, oldest, in_custody)

    def close(self) -> None:
        """Stop looking."""
        if self._admin_poller is not None:
            self._admin_poller.close()
        self.ledgers.close()


def _usage_of(metrics: Mapping[str, float]) -> Usage:
    def number(name: str) -> int:
        return int(metrics.get(f"hookgate_quarantine_{name}", 0))

    oldest = metrics.get("hookgate_quarantine_oldest_timestamp_seconds")
    return Usage(number("items"), number("bytes"), oldest, number("custody_items"))
