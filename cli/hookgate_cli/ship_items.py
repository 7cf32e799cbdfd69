"""What `hookgate ship` does about the items of a quarantine."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import structlog

from hookgate.config.layers import Sources
from hookgate.config.quarantine import read_settings
from hookgate.fleet.item_store import ItemStore
from hookgate.fleet.items import ItemShipper, ship_items

from .common import plain_errors
from .quarantine.opening import make_store


def make_shipper(
    sources: Sources, connect: Callable[[], ItemStore], log: structlog.BoundLogger
) -> ItemShipper:
    """Make what ships the items in the folder of the configuration; exit with 2 where one of its
    keys is wrong.
    """
    with plain_errors():
        settings = read_settings(sources)
    return ItemShipper(Path(settings.path), make_store(settings), connect, log)


def begin(items: ItemShipper, log: structlog.BoundLogger, ended: Event) -> None:
    """Ship items on a thread of its own until `ended` is set."""
    Thread(target=ship_items, args=(items, log, ended), name="items", daemon=True).start()


def ship_all(items: ItemShipper, ended: Event) -> int:
    """Ship the items that there are now; returns how many. Raises `StoreError`."""
    while items.turn() and not ended.is_set():
        pass
    items.close()
    return items.items
