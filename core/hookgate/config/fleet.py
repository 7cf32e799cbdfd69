"""What `hookgate ship` goes by, whatever is wrong with other keys."""

from hookgate.settings import FleetSettings

from .draft import Draft
from .error import ConfigError
from .keys import KEYS
from .layers import Sources

_KEYS = ("audit.path", "fleet.name", "fleet.dsn_file", "fleet.quarantine", "quarantine.path")


def read_settings(sources: Sources) -> tuple[str, FleetSettings]:
    """Read where the ledger is, and which gate's it is in which store.

    Raises `ConfigError` where one of these is missing.
    """
    draft = Draft(sources.keys, sources.problems if sources.unread else ())
    draft.parse(key for key in KEYS if key.path in _KEYS)
    path, name, dsn_file, ships_items, folder = (draft.values.get(key, "") for key in _KEYS)
    if not draft.problems:
        if path in ("", "-"):
            draft.problems.append(
                f'audit.path is "{path}": there is no file to ship; name one, like'
                ' "/var/log/hookgate/audit.jsonl"'
            )
        made_by = "hookgate fleet init --gate NAME, run once where the store is administered,"
        if not name:
            draft.problems.append(
                f"fleet.name is missing; {made_by} makes the gate NAME: write that here"
            )
        if not dsn_file:
            draft.problems.append(
                f"fleet.dsn_file is missing; {made_by} writes such a file: bring it here"
            )
        if ships_items and not folder:
            draft.problems.append(
                "fleet.quarantine is true, and quarantine.path is empty: there is nothing to ship;"
                " name the folder of the quarantine, or leave fleet.quarantine out"
            )
    if draft.problems:
        raise ConfigError(draft.problems)
    return path, FleetSettings(name, dsn_file, ships_items)
