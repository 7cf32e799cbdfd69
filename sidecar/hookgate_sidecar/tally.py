"""What workers counted, those that are gone too: sums never run backwards."""

from collections.abc import Collection

from hookgate.gate.metrics import LOSSES, Snapshot, merge, rows, surviving_counts

from .exposition import process_snapshot
from .lifecycle import Cause


class Tally:
    """Sum what workers count: the latest snapshot of each, and the last of those that ended."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._latest: dict[int, Snapshot] = {}
        self._gone: Snapshot = {}
        self._lost = dict.fromkeys(LOSSES, 0)

    def tell(self, number: int, snapshot: Snapshot) -> None:
        """Keep what a worker counts by now."""
        self._latest[number] = snapshot

    def end(self, number: int, last: Snapshot | None) -> None:
        """Add what a worker counted that ended: its `last` word, or what it had told before."""
        told = self._latest.pop(number, {})
        self._gone = merge((self._gone, surviving_counts(told if last is None else last)))

    def lose(self, cause: Cause) -> None:
        """Count a worker that was wanted and is gone."""
        self._lost[cause.value] += 1

    def ledger_fails(self, number: int) -> bool:
        """Tell whether a worker said last that it cannot write its ledger."""
        return self._latest.get(number, {}).get("hookgate_ledger_available") == [([], 0)]

    def snapshots(self, answering: Collection[int]) -> list[Snapshot]:
        """Return those of all workers, of the dead ones and of this process.

        Who is not `answering` does not serve.
        """
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
