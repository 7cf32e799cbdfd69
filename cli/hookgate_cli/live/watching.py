"""The gates, each looked at once a second, whoever reads the page."""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import orjson

from hookgate.live.picture import make_picture
from hookgate.live.step import Answer
from hookgate_cli.gate_sources import Place, Source

_EVERY_SECONDS = 1.0
# One that answers a byte at a time may take as long as it likes.
_LATE_SECONDS = 4.0

_Told = list[tuple[Answer | str, float]]


class Watching:
    """Gates, and where each is read. One that hangs holds up no other."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as group:
            for place in self._places:
                group.create_task(self._look(place))

    async def _look(self, place: Place) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            looking = _begin(place.source)
            while not (await asyncio.wait([looking], timeout=_LATE_SECONDS))[0]:
                place.gate.note("no answer in time", time.time())
            for told, at in await looking:
                place.gate.note(told, at)
            # Without a burst after a wait.
            due = max(due + _EVERY_SECONDS, loop.time())
            await asyncio.sleep(due - loop.time())

    def describe(self) -> bytes:
        """Make the state of now as JSON."""
        picture = make_picture([place.gate for place in self._places], time.time())
        try:
            return orjson.dumps(picture)
        except orjson.JSONEncodeError:  # a lone surrogate in what a sender wrote
            return json.dumps(picture).encode()


def _begin(source: Source) -> "asyncio.Future[_Told]":
    """Read a source in a thread. The end of the process waits for none: a name server, or a disk,
    may hang for as long as it likes.
    """
    loop = asyncio.get_running_loop()
    looking: asyncio.Future[_Told] = loop.create_future()

    def end(told: _Told, error: Exception | None) -> None:
        if looking.cancelled():
            return
        if error is None:
            looking.set_result(told)
        else:
            looking.set_exception(error)

    def look() -> None:
        told: _Told = []
        error = None
        try:
            told = list(source.read())
        except Exception as raised:  # noqa: BLE001  # raised anew where it is waited for
            error = raised
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(end, told, error)

    threading.Thread(target=look, name="looking", daemon=True).start()
    return looking
