"""Gates, read once a second by a thread for each source: one that hangs holds up no other."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from hookgate.live.gate import Gate
from hookgate.live.picture import make_picture
from hookgate.live.step import Answer
from hookgate.offering import ANYWHERE, Place

from .gate_source import Ledger, Source

_EVERY_SECONDS = 1.0
# A name server, or a disk, may take as long as it likes.
_LATE_SECONDS = 4.0


class Poller:
    """What is to be seen of gates. `on_change` is called by the threads, after each look.

    `place` is where the gates are.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        on_change: Callable[[], None],
        place: Place = ANYWHERE,
    ) -> None:
        self._sources = sources
        self._place = place
        self._on_change = on_change
        self._lock = threading.Lock()
        self._looks = [0] * len(sources)
        # When what is told last was told, or the look began; None between two looks.
        self._begun: list[float | None] = [None] * len(sources)
        self._looked = threading.Condition()
        self._ended = threading.Event()

    def start(self) -> None:
        """Look until `close`."""
        for number in range(len(self._sources)):
            threading.Thread(target=self._run, args=(number,), daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()

    def wait(self, looks: int, seconds: float) -> None:
        """Wait until each source was looked at so often, or for so many seconds."""
        with self._looked:
            self._looked.wait_for(lambda: min(self._looks) >= looks, seconds)

    def picture(self) -> dict[str, Any]:
        """Return the state of now."""
        gates = [gate for source in self._sources for gate in source.gates]
        with self._lock:
            return make_picture(gates, time.time(), self._place)

    def ledger_of(self, where: str) -> Ledger:
        """Return where the lines of the gate at this place are."""
        found = ((gate, source) for source in self._sources for gate in source.gates)
        return next((s.ledger_of(gate) for gate, s in found if gate.where == where), Ledger())

    def _note(self, gate: Gate, told: Answer | str, at: float) -> None:
        with self._lock:
            gate.note(told, at)

    def _run(self, number: int) -> None:
        source = self._sources[number]
        due = time.monotonic()
        while not self._ended.is_set():
            self._begun[number] = time.monotonic()
            try:
                for gate, told, at in source.read():
                    self._note(gate, told, at)
                    self._begun[number] = time.monotonic()
            except Exception as error:  # noqa: BLE001  # what stands still must not look alive
                for gate in source.gates:
                    self._note(gate, f"it cannot be read: {type(error).__name__}", time.time())
            self._begun[number] = None
            with self._looked:
                self._looks[number] += 1
                self._looked.notify_all()
            self._on_change()
            # Without a burst after a wait.
            due = max(due + _EVERY_SECONDS, time.monotonic())
            self._ended.wait(due - time.monotonic())

    def _watch(self) -> None:
        """Say of a source whose look does not end that nothing is known of its gates."""
        while not self._ended.wait(_EVERY_SECONDS):
            late = time.monotonic() - _LATE_SECONDS
            for source, begun in zip(self._sources, self._begun, strict=True):
                if begun is not None and begun < late:
                    for gate in source.gates:
                        self._note(gate, "no answer in time", time.time())
                    self._on_change()
