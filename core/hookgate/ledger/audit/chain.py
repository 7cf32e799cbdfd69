"""Is the ledger as it was written? Lines follow from lines, boots from boots, files from files.

Each line names the one before it in its boot. The first, `start`, names the line before it in the
file, and the one that the state file named; the state file names the last line of all.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.seal import Keyring

from .ends import read_end
from .findings import AuditFinding
from .links import HARMLESS, ChainKind
from .verifier import Verifier
from .witness import LogWitness

__all__ = ["HARMLESS", "ChainKind", "Verification", "verify"]


class Verification(NamedTuple):
    """What became of the chains. `unchained` lines, nginx's, carry none; `old` lines are of the
    format of version 0.1.0. `whole` says that the state files were looked at: whether the newest
    lines are there, `begins_anew` that the first boots found no trace of any before them. Beyond a
    bound findings are only counted, in `more`.
    """

    lines: int
    boots: int
    sealed: bool
    unchained: int
    old: int
    whole: bool
    begins_anew: bool
    findings: list[AuditFinding]
    more: Counter[str]

    @property
    def holds(self) -> bool:
        """Whether nothing shows that the ledger was changed."""
        return HARMLESS.issuperset((*(finding.kind for finding in self.findings), *self.more))


def verify(
    lines: Iterable[Line | Run],
    keys: Iterable[bytes] = (),
    states: Sequence[Path] | None = None,
    witness: LogWitness | None = None,
    *,
    apart: bool = False,
) -> Verification:
    """Follow every boot, with the seal keys of whoever wrote it; `lines` may hold runs by
    `ChainScan`, made with the same keys and the `numbers` of the witness.

    `states` are the state files of a whole ledger; None where the lines are only some of its files,
    and nothing can be said of what came after them. `witness` is what a log saw, read before the
    lines are, as both may grow. Boots that are `apart` are without the lines between them that are
    of none, such as a crash tears.
    """
    keyring = Keyring(keys)
    # First, as hookgate may write lines meanwhile and then a state that names them.
    named = [(path, read_end(path, keyring)) for path in states or ()]
    verifier = Verifier(keyring, witness, apart=apart)
    for line in lines:
        if isinstance(line, Run):
            verifier.add_run(line)
        else:
            verifier.add(line)
    verifier.close(named if states is not None else None)
    findings = verifier.context.findings
    return Verification(
        verifier.lines,
        verifier.boots,
        bool(keyring),
        verifier.unchained,
        verifier.old_lines,
        states is not None,
        verifier.begins_anew,
        findings.listed,
        findings.more,
    )
