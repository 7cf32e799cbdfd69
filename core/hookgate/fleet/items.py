"""Shipping what a gate keeps: each item of its quarantine into the store, encrypted as it is.

Nothing is remembered on the gate: the store says which files it lacks. What has left the folder is
told by the ledger's `released` lines, so a folder that is lost loses nothing in the store. What has
left the store is claimed in the folder, and the gate releases it as it does any claim whose process
has ended: with a line in its own ledger.
"""

import json
import time
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Event

import structlog

from hookgate.ledger.audit.keeping import CAUSES
from hookgate.ledger.record import Record
from hookgate.quarantine import error as quarantine
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.keeping import may_expire
from hookgate.quarantine.names import FOLDERS, folder_of
from hookgate.quarantine.store import Store

from .error import StoreError
from .item_store import LARGEST_FILE, LARGEST_RECORD, MOST_TOGETHER, ItemStore, Sent
from .loop import FIRST_PAUSE, LONGEST_PAUSE, POLL_SECONDS

LOOK_SECONDS = 5.0
# A folder that changed a shorter time before it was looked into may change again without a newer
# time of its own, in nanoseconds.
_RACY = 2_000_000_000


class ItemShipper:
    """Send the items in a folder, and release there what has left the store.

    `turn` does a part of what there is to do, and tells whether there is more; after it raised
    `StoreError` the next one begins anew with another connection. `note` may be called by another
    thread.
    """

    def __init__(
        self,
        path: Path,
        folder: Store,
        connect: Callable[[], ItemStore],
        log: structlog.BoundLogger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._folder, self._connect = path, folder, connect
        self._log, self._clock = log, clock
        self._store: ItemStore | None = None
        self._looked: float | None = None
        self._changed: dict[str, int] = {}
        # Files that the store has, and whether it knows them to be in custody.
        self._known: dict[bytes, bool] = {}
        self._waiting: deque[Entry] = deque()
        # What lines say has left, and is to be told: each file with its cause.
        self._left: dict[bytes, str] = {}
        self._said: set[str] = set()
        self.items = 0

    def note(self, record: Record) -> None:
        """Take what a `released` line says; of another hand it may be anything."""
        kept, cause = record.get("kept"), record.get("cause")
        if type(kept) is str and cause in CAUSES:
            try:
                self._left[bytes.fromhex(kept)] = str(cause)
            except ValueError:
                return

    def turn(self) -> bool:
        """Send an item, or look for some; whether there is more at once."""
        try:
            return self._turn()
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Hang up, and forget what the store has: it may be another one next time."""
        if self._store is not None:
            self._store.close()
        self._store = self._looked = None
        self._changed.clear()
        self._known.clear()
        self._waiting.clear()

    def _turn(self) -> bool:
        if self._store is None:
            self._store = self._connect()
        store = self._store
        if self._waiting:
            self._send(store, self._waiting.popleft())
            return True
        if self._left:
            self._tell(store)
            return True
        now = self._clock()
        if self._looked is not None and now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        try:
            self._look(store)
            self._release(store)
        except quarantine.StoreError as error:
            self._changed.clear()
            self._say(str(error))
        return bool(self._waiting or self._left)

    def _look(self, store: ItemStore) -> None:
        """Find what the store lacks, in folders that have changed."""
        found: dict[bytes, Entry] = {}
        for entry in self._folder.entries(self._find_changed()):
            if entry.claimed is None and (kept := self._kept(entry)) is not None:
                found[kept] = entry
        asked = {
            kept: not may_expire(entry)
            for kept, entry in found.items()
            if self._known.get(kept) not in (True, not may_expire(entry))
        }
        while asked:
            some = {kept: asked.pop(kept) for kept in list(asked)[:MOST_TOGETHER]}
            lacking = store.lacking(some)
            self._known.update({kept: some[kept] for kept in some.keys() - lacking})
            self._waiting.extend(found[kept] for kept in lacking)

    def _find_changed(self) -> list[str]:
        changed = []
        for name in FOLDERS:
            try:
                at = (self._path / name).stat().st_mtime_ns
            except OSError:
                at = 0
            if at != self._changed.get(name, 0):
                changed.append(name)
                self._changed[name] = at if time.time_ns() - at > _RACY else -1
        return changed

    def _kept(self, entry: Entry) -> bytes | None:
        """Return the SHA-256 of a file, None of what is not sent."""
        if entry.size > LARGEST_FILE:
            self._say(f"{entry.path} is too large: {entry.size} bytes, and at most {LARGEST_FILE}")
            return None
        try:
            if entry.record is not None:
                return bytes.fromhex(entry.record["kept"])
            return sha256(self._folder.read(entry)).digest()
        except (quarantine.StoreError, ValueError):
            self._look_again(entry)
            return None

    def _look_again(self, entry: Entry) -> None:
        """Look into its folder next time, though that may not have changed."""
        self._changed.pop(folder_of(entry.name), None)

    def _send(self, store: ItemStore, entry: Entry) -> None:
        try:
            file = self._folder.read(entry)
        except quarantine.StoreError:
            self._look_again(entry)
            return
        kept, in_custody = sha256(file).digest(), not may_expire(entry)
        record = json.dumps(entry.record) if entry.record is not None else None
        if record is not None and len(record) > LARGEST_RECORD:
            record = None
        store.put_item(
            Sent(entry.name, kept, time.time() - entry.kept_at, in_custody, record, file)
        )
        self._known[kept] = in_custody
        self.items += 1

    def _tell(self, store: ItemStore) -> None:
        # In one step each: another thread may note some meanwhile.
        told = [(kept, self._left[kept]) for kept in list(self._left)[:MOST_TOGETHER]]
        store.tell_left(told)
        for kept, _ in told:
            self._known.pop(kept, None)
            del self._left[kept]

    def _release(self, store: ItemStore) -> None:
        """Claim what has left the store: the gate records and removes it. What is not here any more
        is told to be gone, so that it is not asked about again.
        """
        left = store.left_items()
        here = {}
        if left:
            folders = sorted({folder_of(one.name) for one in left})
            here = {self._kept(entry): entry for entry in self._folder.entries(folders)}
        for one in left:
            entry = here.get(one.kept)
            if entry is None:
                self._left[one.kept] = one.cause
            elif entry.claimed is None and (claim := self._folder.claim(entry, one.cause)):
                claim.close()

    def _say(self, why: str) -> None:
        """Log once what keeps items from being sent or released."""
        if why not in self._said:
            self._said.add(why)
            self._log.warning("ship.item_left", why=why)


def ship_items(shipper: ItemShipper, log: structlog.BoundLogger, ended: Event) -> None:
    """Ship items until `ended` is set, over outages of the store; for a thread of its own."""
    away, pause = "", FIRST_PAUSE
    while not ended.is_set():
        try:
            is_more = shipper.turn()
        except StoreError as error:
            if str(error) != away:
                away = str(error)
                log.warning("ship.items_away", why=away)
            ended.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            continue
        away, pause = "", FIRST_PAUSE
        if not is_more:
            ended.wait(POLL_SECONDS)
    shipper.close()
