"""The shipper at work: on and on, over outages of the store, until it is told to end."""

import time
from collections.abc import Callable
from threading import Event

import structlog

from .error import StoreError
from .shipper import Shipper

POLL_SECONDS = 0.2
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


def ship(
    shipper: Shipper,
    log: structlog.BoundLogger,
    ended: Event,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Ship until `ended` is set, and send then what was read.

    What is wrong with the store is said once, and again when it is another thing or is over.
    """
    away, since, pause = "", 0.0, FIRST_PAUSE
    while not ended.is_set():
        try:
            is_more = shipper.turn()
        except StoreError as error:
            if not away:
                since = clock()
            if str(error) != away:
                away = str(error)
                log.warning("ship.away", why=away)
            ended.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            continue
        if away:
            log.info("ship.back", after_seconds=round(clock() - since))
        away, pause = "", FIRST_PAUSE
        if not is_more:
            ended.wait(POLL_SECONDS)
    try:
        if not away:
            shipper.turn()
            shipper.flush()
    except StoreError as error:
        log.warning("ship.away", why=str(error))
    shipper.close()


def ship_once(shipper: Shipper, ended: Event) -> bool:
    """Ship what is there now; False where `ended` was set before. Raises `StoreError`."""
    while shipper.turn():
        if ended.is_set():
            return False
    shipper.flush()
    return True
