"""Only what a key proves: lines without a seal of it, and copies, are passed on as no records."""

from collections.abc import Iterable, Iterator

from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.seal import Keyring, Seal, split

from .intervals import Intervals

UNPROVED = "not proved by the seal key"
COPY = "a copy of a line"


def is_unproved(problem: str) -> bool:
    """Tell whether a line with this problem is one that a `Prover` left out."""
    return problem in (UNPROVED, COPY)


class Prover:
    """Tell lines that a key proves from others. `left_out` counts the others.

    Of a line it knows that a holder of the key wrote it, once; what is missing it does not see.
    """

    def __init__(self, keys: Iterable[bytes]) -> None:
        self.left_out = 0
        self._keyring = Keyring(keys)
        self._boots: dict[str, tuple[Seal, Intervals]] = {}

    @property
    def has_proved(self) -> bool:
        """Whether the key proves any line at all."""
        return bool(self._boots)

    def prove(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Yield the lines, with `record` None and a `problem` where nothing proves them."""
        for line in lines:
            if line.record is None:
                yield line
            elif problem := self._find_problem(line):
                self.left_out += 1
                yield line._replace(record=None, problem=problem)
            else:
                yield line

    def prove_runs(self, lines: Iterable[Line | Run]) -> Iterator[Line | Run]:
        """Do the same with runs, which are of lines that one of the keys proves."""
        for line in lines:
            if isinstance(line, Line):
                yield from self.prove((line,))
            elif self._take(line):
                yield line
            else:
                yield from self.prove(line.lines())

    def _take(self, run: Run) -> bool:
        """Take a run, if none of its lines was there before; else do nothing."""
        boot, key, last = run.told.boot, run.told.key, run.n + run.total - 1
        seal = self._keyring.get(key)
        known = self._boots.get(boot)
        if seal is None or (
            known is not None and (known[0].id != key or not known[1].are_new(run.n, last))
        ):
            return False
        if known is None:
            known = self._boots[boot] = seal, Intervals()
        known[1].add(run.n, run.file, run.first)
        known[1].extend(run.n, last, run.file, run.first)
        return True

    def _find_problem(self, line: Line) -> str:
        record = line.record or {}
        boot, n = record.get("boot"), record.get("n")
        body, mac = split(line.raw)
        if not mac or type(boot) is not str or type(n) is not int:
            return UNPROVED
        known = self._boots.get(boot)
        seal = known[0] if known is not None else self._keyring.find(body, mac)
        if seal is None or (known is not None and seal.mac(body) != mac):
            return UNPROVED
        if known is None:
            known = self._boots[boot] = seal, Intervals()
        return "" if known[1].add(n, line.file, line.number) else COPY
