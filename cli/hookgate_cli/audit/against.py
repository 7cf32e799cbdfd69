"""The operational logs that `verify --against` compares with a ledger."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hookgate.ledger.audit.witness import LogWitness, TooManyError
from hookgate.ledger.reading.log import LogFile
from hookgate.times import iso_time
from hookgate_cli.common import err, fail
from hookgate_cli.terminal import printable

from .inputs import copy, is_regular

_MEND = (
    "it has to be hookgate's standard error, as JSON lines or from the journal, for example"
    " `journalctl -u hookgate -o json`"
)


class Log(NamedTuple):
    """What was read of a log: its lines, those with a checkpoint, and why it ended early."""

    file: str
    lines: int
    checkpoints: int
    damage: str


class Against(NamedTuple):
    """Logs that were read, and what they saw."""

    witness: LogWitness
    logs: list[Log]

    @property
    def unread(self) -> bool:
        """Whether a part of a log could not be read."""
        return any(log.damage for log in self.logs)

    def as_json(self) -> dict[str, object]:
        """Return what there is to say of them, for `--json`."""
        last = self.witness.last
        return {
            "logs": [log._asdict() for log in self.logs],
            "boots": len(self.witness.boots),
            "covered": self.witness.covered,
            "last": iso_time(last) if last else None,
            "dropped": self.witness.dropped,
        }


def read_logs(files: Sequence[Path]) -> Against:
    """Read the checkpoints of logs, compressed ones too, `-` for standard input.

    Exits with 2, in one line, where one cannot be read, or has no checkpoint or too many.
    """
    witness = LogWitness()
    logs = [_read(file, witness) for file in dict.fromkeys(files)]
    witness.end()
    if not (witness.is_of_lines or any(log.damage for log in logs)):
        fail(f"--against: none of its {witness.checkpoints:,} checkpoints names a line: {_MEND}")
    return Against(witness, logs)


def _read(file: Path, witness: LogWitness) -> Log:
    name = str(file)
    try:
        log = LogFile(file if is_regular(file) else copy(file), name)
        for checkpoint in log.read():
            witness.add(checkpoint, name)
    except OSError as error:
        fail(f"--against {name} cannot be read: {error.strerror}")
    except TooManyError as error:
        fail(f"--against {name}: {error}; give a part of it, by journalctl's --since for example")
    if log.damage:
        err.print(f"NOT READ: {printable(name)}: {printable(log.damage)}", soft_wrap=True)
    if log.odd:
        text = f"{log.odd:,} lines name a checkpoint and hold none that can be read"
        err.print(f"{printable(name)}: {text}", soft_wrap=True)
    if not log.found and not log.damage:
        fail(f"--against {name} has no checkpoint in {log.lines:,} lines: {_MEND}")
    return Log(name, log.lines, log.found, log.damage)
