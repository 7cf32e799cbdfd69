"""The quarantine: what was refused is kept, encrypted, until it is given back or erased."""

from .claims import Claim
from .encryption import (
    DecryptionError,
    Identities,
    QuarantineKeyError,
    Recipients,
    make_identity,
    parse_identities,
    parse_recipients,
)
from .error import StoreError
from .item import Item, ItemError, item_name, read_item, write_item
from .keeper import Keeper, Kept
from .store import Entry, Store, Usage

__all__ = [
    "Claim",
    "DecryptionError",
    "Entry",
    "Identities",
    "Item",
    "ItemError",
    "Keeper",
    "Kept",
    "QuarantineKeyError",
    "Recipients",
    "Store",
    "StoreError",
    "Usage",
    "item_name",
    "make_identity",
    "parse_identities",
    "parse_recipients",
    "read_item",
    "write_item",
]
