"""A quarantine and the key that reads it."""

import json
from pathlib import Path
from typing import Any

from hookgate.quarantine.encryption import parse_identities
from hookgate.quarantine.item import Item, read_item

# A pair that only tests use.
SECRET = "AGE-SECRET-KEY-1YZQ0VSEXCVG42GQ4FGPAJLEVTHUVXSN9NX93F8TNNMUC6WT73Q6QEQM584"
PUBLIC = "age1a3ygls0fj9hahmumqcvexe9efmex9dt4k6remg8n2hgxckqskv2sfcq6j7"
IDENTITIES = parse_identities(SECRET.encode())


def quarantine(folder: Path, **keys: Any) -> dict[str, Any]:
    """The keys of a configuration that keeps what is refused in a folder of its own."""
    return {
        "quarantine.path": str(folder / "quarantine"),
        "quarantine.recipients": [PUBLIC],
        **{f"quarantine.{name}": value for name, value in keys.items()},
    }


def files(folder: Path) -> list[Path]:
    """The encrypted files of a quarantine."""
    return sorted((folder / "quarantine").rglob("*.age"))


def items(folder: Path) -> list[Item]:
    """What they hold."""
    return [read_item(IDENTITIES.decrypt(file.read_bytes())) for file in files(folder)]


def narrow(folder: Path, *, store: Path | None = None, custody: bool = False) -> dict[str, str]:
    """The settings of a gate in this folder that keeps what comes to /narrow, whose contract takes
    nothing, and delivers what comes to /cm/events.
    """
    (folder / "narrow.json").write_text('{"required": ["never"]}')
    (folder / "hookgate.toml").write_text(
        '[[route]]\npath = "/cm/events"\n[[route]]\npath = "/narrow"\n'
        f'contract = "narrow.json"\ncustody = {json.dumps(custody)}\n'
    )
    keys = quarantine(store or folder)
    return {**keys, "quarantine.recipients": PUBLIC}
