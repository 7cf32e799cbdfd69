"""The names of a ledger's parts, beside `audit.path`: `audit.jsonl` has `audit.replay.jsonl`."""

import re
from pathlib import Path

# What stands before the suffix of a worker's part, by its number, and of the replays'.
PART = r"(?:\.(?:[0-9]+|replay))?"


def replay_ledger(path: Path) -> Path:
    """Name the ledger of replays from what the ledger at this path tells of."""
    return path.with_name(f"{path.stem}.replay{path.suffix}")


def is_part(name: str, path: Path) -> bool:
    """Tell whether this is the name that a part of the ledger at a path has while it is written."""
    pattern = f"{re.escape(path.stem)}{PART}{re.escape(path.suffix)}"
    return re.fullmatch(pattern, name) is not None
