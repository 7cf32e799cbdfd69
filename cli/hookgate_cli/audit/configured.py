"""What the configuration says of a ledger: its path, state files, ranges and seal keys."""

import os
from pathlib import Path

from hookgate.config.key_files import read_seal_keys
from hookgate.config.layers import gather
from hookgate.config.network_lists import allowed_ranges, watched_networks
from hookgate.ledger.state import find_states
from hookgate.networks.range_set import RangeSet
from hookgate_cli.common import err, fail, plain_errors
from hookgate_cli.terminal import printable

Keys = tuple[bytes, ...]


def configured_ledger(config: str | None) -> Path:
    """Return `audit.path`; exit with 2 where the configuration cannot be read."""
    sources = gather(config)
    if sources.unread:
        fail(sources.problems)
    return Path(str(sources.keys["audit.path"].value))


def configured_states(config: str | None) -> list[Path]:
    """Return the state files beside the ledger of the configuration."""
    return find_states(configured_ledger(config))


def configured_ranges(config: str | None) -> RangeSet:
    """Return the ranges that may send by the present configuration."""
    return allowed_ranges(gather(config))


def configured_watch(config: str | None) -> list[str]:
    """Return the networks that are watched by the present configuration."""
    return [str(network) for network in watched_networks(gather(config))]


def load_seal_keys(files: list[Path] | None, config: str | None) -> Keys:
    """Read the seal keys of the files, else of `audit.seal_key_file`; none where neither is named.

    There are none either where this user cannot read the configured file, and a line on stderr says
    so: then nothing is proved. Exits with 2 where keys are wrong.
    """
    named = [str(file) for file in files or ()]
    if not named:
        sources = gather(config)
        if sources.problems:
            fail(sources.problems)
        path = str(sources.keys["audit.seal_key_file"].value)
        if path and not os.access(path, os.R_OK) and os.path.lexists(path):
            key = f'audit.seal_key_file = "{printable(path)}"'
            err.print(f"{key} cannot be read by this user: nothing is proved", soft_wrap=True)
            path = ""
        named = [path] if path else []
    with plain_errors():
        return tuple(dict.fromkeys(key for path in named for key in read_seal_keys(path)))
    raise AssertionError("unreachable")
