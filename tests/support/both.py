"""Gates' ledgers as files and in a store, so that each question can be asked of both."""

import json
import random
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from support.calling import Call, Result
from support.fleet import Fleet
from support.lines import Record, refusals, start, stop
from support.trials import BODIES, CAUSES, ENDS, KEEPING, TIMES, Request, placed

_PLACE = re.compile(r"([^\s:,;\"]+):([0-9]+)")
# What is of files or of a store, and not of what the lines say.
_OWN = frozenset(("files", "notes", "more", "whole", "at"))


def write_boot(
    path: Path, boot: str, records: Iterable[Record], *, follows: str = "", torn: bytes = b""
) -> str:
    """Write a boot's lines to a file; returns what the next one follows. `torn` ends the file."""
    before = path.read_bytes().split(b"\n")[-2] if path.exists() else b""
    previous = sha256(before).hexdigest() if before else ""
    began = f"2026-11-22T11:00:00.{int(boot, 36) % 1_000_000:06}Z"
    first = start(boot, ts=began, previous_line=previous, follows=follows, front="sidecar")
    prev, lines = "", []
    for n, record in enumerate((first, *records), 1):
        raw = json.dumps(
            {**record, "boot": boot, "n": n, "prev": prev}, separators=(",", ":")
        ).encode()
        prev = sha256(raw).hexdigest()
        lines.append(raw + b"\n")
    with path.open("ab") as stream:
        stream.write(b"".join(lines) + torn)
    return f"{boot}:{len(lines)}:{prev}"


def some_requests(seed: int, many: int) -> list[Record]:
    """Lines of requests of any kind, tried again and again, kept, released and replayed."""
    draw = random.Random(seed)

    def one(_: int) -> Request:
        body, later, at = draw.choice(BODIES), draw.randrange(5), draw.choice([*TIMES])
        rule = draw.choice(["3 tries", "", "40s", "3 tries, 20s"])
        if draw.random() < 0.15:
            return Request(body, "released", later, "", at, draw.choice(CAUSES) + draw.choice("12"))
        return Request(body, draw.choice(ENDS), later, rule, at, draw.choice(KEEPING))

    records = placed(list(map(one, range(many))))
    for number, record in enumerate(records):
        # No two at the same time: their order would be that of the files.
        record["ts"] = record["ts"] and record["ts"].replace(".000000", f".{number:06}")
    return records


class Both:
    """Ledgers of gates in a folder each, and the fleet that they are shipped to."""

    def __init__(self, fleet: Fleet, folder: Path, call: Call) -> None:
        self.fleet, self.folder, self._call = fleet, folder, call
        self.dsn_file = folder / "reader.dsn"
        self.dsn_file.write_text(fleet.dsn)
        self.dsn_file.chmod(0o600)

    def path(self, gate: str, name: str = "audit.jsonl") -> Path:
        """A ledger of a gate."""
        (self.folder / gate).mkdir(exist_ok=True)
        return self.folder / gate / name

    def ship(self, *gates: str) -> None:
        """Send what the gates have."""
        for gate in gates:
            self.fleet.shipper(self.path(gate), gate).ship()

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*/audit*"))

    def of_files(self, *arguments: str, option: str = "") -> Result:
        """Ask the files: as arguments, or by an option."""
        named = [word for file in self.files() for word in (option, str(file)) if word]
        return self._call("audit", *arguments, *named)

    def of_fleet(self, *arguments: str) -> Result:
        """Ask the store."""
        return self._call("audit", *arguments, "--fleet", "--dsn-file", str(self.dsn_file))

    def answers(self, *arguments: str, option: str = "") -> Iterator[tuple[int, Any]]:
        """The exit status and what is said, of the files and of the store, with lines by boot."""
        for result in (
            self.of_files(*arguments, "--json", option=option),
            self.of_fleet(*arguments, "--json"),
        ):
            yield result.status, self.told(_read(result.out))

    def told(self, said: Any) -> Any:
        """Name each line by its boot and number, and order what has no order."""
        if isinstance(said, dict):
            return {key: self.told(value) for key, value in said.items() if key not in _OWN}
        if isinstance(said, list):
            items = list(map(self.told, said))
            return sorted(items, key=repr) if items and isinstance(items[0], dict) else items
        return _PLACE.sub(self._name, said) if isinstance(said, str) else said

    def _name(self, match: re.Match[str]) -> str:
        file, number = Path(match[1]), int(match[2])
        if not file.is_file():
            return f"{match[1].rpartition('/')[2]}#{number}"
        raw = file.read_bytes().split(b"\n")[number - 1]
        try:
            record = json.loads(raw)
        except ValueError:
            return match[0]
        return f"{record['boot']}#{record['n']}"


def _read(text: str) -> list[Any]:
    """What is printed as one JSON document, as one a line, or in words."""
    said: list[Any] = []
    for part in [text] if text.startswith("{\n") else text.splitlines():
        try:
            said.append(json.loads(part))
        except ValueError:
            said.append(part)
    return said


def fill(both: Both, seed: int) -> None:
    """Two gates: of one a boot that crashed, one after it, a worker and a ledger of replays."""
    records = some_requests(seed, 60)
    parts = [records[at::5] for at in range(5)]
    main = both.path("amsterdam")
    follows = write_boot(main, "a1", parts[0])
    write_boot(main, "a2", [*parts[1], refusals(90, 99, 10), stop(9)], follows=follows)
    write_boot(both.path("amsterdam", "audit.1.jsonl"), "a3", parts[2])
    write_boot(both.path("amsterdam", "audit.replay.jsonl"), "a4", parts[3])
    write_boot(both.path("utrecht"), "u1", parts[4])
    both.ship("amsterdam", "utrecht")
