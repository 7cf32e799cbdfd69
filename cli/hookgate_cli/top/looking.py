"""Gates, each read once a second by a thread of its own: one that hangs holds up no other."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from hookgate.live.picture import make_picture
from hookgate.live.step import Answer, part, text
from hookgate_cli.gate_sources import Place

_EVERY_SECONDS = 1.0
# A name server, or a disk, may take as long as it likes.
_LATE_SECONDS = 4.0
# PATH_MAX of Linux.
_LONGEST_PATH = 4096


class Looking:
    """What is to be seen of gates. `on_change` is called by the threads, after each look."""

    def __init__(self, places: Sequence[Place], on_change: Callable[[], None]) -> None:
        self.places = places
        self._on_change = on_change
        self._lock = threading.Lock()
        self._looks = [0] * len(places)
        self._begun: list[float | None] = [None] * len(places)
        self._looked = threading.Condition()
        self._ended = threading.Event()

    def start(self) -> None:
        """Look until `close`."""
        for number in range(len(self.places)):
            threading.Thread(target=self._run, args=(number,), daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()

    def wait(self, looks: int, seconds: float) -> None:
        """Wait until each gate was looked at so often, or for so many seconds."""
        with self._looked:
            self._looked.wait_for(lambda: min(self._looks) >= looks, seconds)

    def picture(self) -> dict[str, Any]:
        """Return the state of now."""
        with self._lock:
            return make_picture([place.gate for place in self.places], time.time())

    def ledger_of(self, number: int) -> str:
        """Return the path of a gate's ledger, "" where it is not known."""
        place = self.places[number]
        told = part(place.gate.answer or {}, "ledger")
        return place.ledger or text(told, "path", _LONGEST_PATH)

    def _note(self, place: Place, told: Answer | str, at: float) -> None:
        with self._lock:
            place.gate.note(told, at)

    def _run(self, number: int) -> None:
        place = self.places[number]
        due = time.monotonic()
        while not self._ended.is_set():
            self._begun[number] = time.monotonic()
            try:
                for told, at in place.source.read():
                    self._note(place, told, at)
            except Exception as error:  # noqa: BLE001  # what stands still must not look alive
                self._note(place, f"it cannot be read: {type(error).__name__}", time.time())
            self._begun[number] = None
            with self._looked:
                self._looks[number] += 1
                self._looked.notify_all()
            self._on_change()
            due = max(due + _EVERY_SECONDS, time.monotonic())
            self._ended.wait(due - time.monotonic())

    def _watch(self) -> None:
        """Say of a gate whose look does not end that nothing is known of it."""
        while not self._ended.wait(_EVERY_SECONDS):
            late = time.monotonic() - _LATE_SECONDS
            for place, begun in zip(self.places, self._begun, strict=True):
                if begun is not None and begun < late:
                    self._note(place, "no answer in time", time.time())
                    self._on_change()
