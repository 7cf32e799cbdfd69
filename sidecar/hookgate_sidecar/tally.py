"""What workers counted, those that are gone too: sums never run backwards."""

from collections.abc import Collection

from hookgate.gate.metrics import LOSSES, Snapshot, merge, rows, surviving_counts

from .exposition import process_snapshot
from .lifecycle import Cause


class Tally:
    """The latest snapshot of each worker by its number, and the sum of those that ended."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._latest: dict[int, Snapshot] = {}
        self._gone: Snapshot = {}
        self._lost = dict.fromkeys(LOSSES, 0)

    def tell(self, number: int, snapshot: Snapshot) -> None:
        """A worker counted this."""
        self._latest[number] = snapshot

    def end(self, number: int, last: Snapshot | None) -> None:
        """A worker is gone. `last` is its last word; without it, what it had told before counts."""
        told = self._latest.pop(number, {})
        self._gone = merge((self._gone, surviving_counts(told if last is None else last)))

    def lose(self, cause: Cause) -> None:
        """A worker that was wanted is gone."""
        self._lost[cause.value] += 1

    def ledger_fails(self, number: int) -> bool:
        """Whether it said last that it cannot write its ledger."""
        return self._latest.get(number, {}).get("hookgate_ledger_available") == [([], 0)]

    def snapshots(self, answering: Collection[int]) -> list[Snapshot]:
        """Of all workers, the dead ones and this process; who is not `answering` does not serve."""
        own: Snapshot = {
            "hookgate_workers": [([], 0)],
            "hookgate_workers_wanted": [([], self._wanted)],
            "hookgate_worker_restarts_total": rows(self._lost),
        }
        silent: Snapshot = {"hookgate_workers": [([], 0)]}
        latest = (
            told if number in answering else {**told, **silent}
            for number, told in self._latest.items()
        )
        return [*latest, self._gone, own, process_snapshot()]
