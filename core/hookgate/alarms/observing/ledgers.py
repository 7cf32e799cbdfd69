"""All files of the ledgers that are watched: those of workers and replays, as they come and go."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hookgate.alarms.sight import LedgerSight
from hookgate.ledger.names import is_part
from hookgate.ledger.reading.locks import locked_files
from hookgate.ledger.reading.parsing import parse
from hookgate.ledger.reading.tail import PATIENCE_SECONDS, Position, Tail
from hookgate.ledger.record import Record

# Of each file, where nothing is known of it: some 100,000 lines.
READ_BACK = 64 << 20
# Files of workers and replays in all; a gate has 256 workers at most.
_MOST_FILES = 1024


class Ledgers:
    """The ledgers at these paths. `positions` are those of the last run."""

    def __init__(
        self,
        paths: Iterable[Path],
        positions: Mapping[str, Position] | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._patience = patience
        self._tails: dict[Path, dict[str, Tail]] = {path: {} for path in paths}
        self._positions = dict(positions or {})
        self._troubles: dict[Path, str] = {}
        self.look()

    def look(self) -> None:
        """Look which files there are by now."""
        for path, tails in self._tails.items():
            self._troubles[path] = ""
            try:
                names = {file.name for file in path.parent.iterdir() if is_part(file.name, path)}
            except FileNotFoundError:
                names = set()
            except OSError as error:
                names = set()
                self._troubles[path] = f"its folder cannot be listed: {error.strerror}"
            known = {name for name in self._positions if Path(name).parent == path.parent}
            names |= {Path(name).name for name in known if is_part(Path(name).name, path)}
            for name in sorted(names):
                file = path.with_name(name)
                if str(file) not in tails and len(tails) < _MOST_FILES:
                    position = self._positions.pop(str(file), None)
                    tails[str(file)] = Tail(file, READ_BACK, position, self._patience)

    @property
    def is_behind(self) -> bool:
        """Whether there was more to read than is read at a time."""
        return any(tail.is_behind for tails in self._tails.values() for tail in tails.values())

    @property
    def parts(self) -> set[str]:
        """The files of which only the end is read."""
        return {n for tails in self._tails.values() for n, tail in tails.items() if tail.is_part}

    def poll(self) -> Iterator[tuple[Record, str]]:
        """Yield the records that were written since, with the file of each; not all at a time."""
        for tails in self._tails.values():
            for name, tail in tails.items():
                for line in tail.poll():
                    if (record := parse(line)) is not None:
                        yield record, name

    def sights(self) -> tuple[LedgerSight, ...]:
        """Return how the files are."""
        locked = locked_files()
        return tuple(self._sight(path, tails, locked) for path, tails in self._tails.items())

    def _sight(
        self, path: Path, tails: dict[str, Tail], locked: set[tuple[int, int, int]] | None
    ) -> LedgerSight:
        troubles = [self._troubles[path], *(tail.trouble for tail in tails.values())]
        gone = tuple(name for name, tail in tails.items() if tail.is_gone and ".replay" not in name)
        return LedgerSight(
            str(path),
            next(filter(None, troubles), ""),
            gone,
            bool(tails),
            None if locked is None else any(tail.inode in locked for tail in tails.values()),
        )

    def save(self) -> Any:
        """Return how far each file was read."""
        tails = (item for tails in self._tails.values() for item in tails.items())
        return {name: position for name, tail in tails if (position := tail.position) is not None}

    def close(self) -> None:
        """Close the files."""
        for tails in self._tails.values():
            for tail in tails.values():
                tail.close()


def load_positions(saved: Any) -> dict[str, Position]:
    """Return what was saved. Raises TypeError or ValueError for anything else."""
    return {
        str(name): Position(int(device), int(inode), int(offset), str(mark))
        for name, (device, inode, offset, mark) in saved.items()
    }
