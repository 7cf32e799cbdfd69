"""What `hookgate ship` does about the items of a quarantine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def shipping(items: ItemShipper | None, log: structlog.BoundLogger, ended: Event) -> Iterator[None]:
    """Ship items beside what the block does; `ended` ends both."""
    if items is not None:
        Thread(target=ship_items, args=(items, log, ended), name="items", daemon=True).start()
    yield


def ship_all(items: ItemShipper | None, ended: Event) -> int:
    """Ship the items that there are now; returns how many. Raises `StoreError`."""
    if items is None:
        return 0
    while items.turn():
        if ended.is_set():
            break
    items.close()
    return items.items
