"""The gates, each asked once a second, whoever looks."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import orjson

from hookgate.address import ListenAddress
from hookgate.live.asking import ask_status
from hookgate.live.gate import Gate
from hookgate.live.picture import make_picture

_EVERY_SECONDS = 1.0


class Watching:
    """Gates, and where each is asked. A gate that hangs holds up no other."""

    def __init__(self, gates: Mapping[Gate, ListenAddress]) -> None:
        self._gates = dict(gates)
        self._threads = ThreadPoolExecutor(len(gates), thread_name_prefix="asking")

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            for gate, address in self._gates.items():
                group.create_task(self._ask(gate, address))

    async def _ask(self, gate: Gate, address: ListenAddress) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            told = await loop.run_in_executor(self._threads, ask_status, address)
            gate.note(told, time.time())
            # Without a burst after a wait.
            due = max(due + _EVERY_SECONDS, loop.time())
            await asyncio.sleep(due - loop.time())

    def describe(self) -> bytes:
        """Make the state of now as JSON."""
        return orjson.dumps(make_picture(list(self._gates), time.time()))
