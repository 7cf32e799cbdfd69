"""Who sends: a paced clean sender, and every hostile kind, each a row of a table."""

from . import allowed, strangers
from .kind import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        *strangers.DIRECT,
        *allowed.DIRECT,
        *strangers.BEHIND_PROXY,
        *allowed.BEHIND_PROXY,
    )
}
