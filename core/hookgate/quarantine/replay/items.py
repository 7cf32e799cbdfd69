"""Items read from the store, each held to its name."""

import re
from hashlib import sha256
from typing import NamedTuple

from hookgate.networks.addresses import parse_address
from hookgate.paths import is_there
from hookgate.policy import UNIX_PEER
from hookgate.policy.rejudging import FormerHead, former_head
from hookgate.quarantine.encryption import DecryptionError, Identities
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.error import GoneError, StoreError
from hookgate.quarantine.item import Item, ItemError, item_name, read_item
from hookgate.quarantine.items import Items

# These go into fields of what is sent.
_REQUEST_ID = re.compile(r"[0-9a-f]{1,32}-[0-9]{1,20}", re.ASCII)
_SCHEMES = (b"http", b"https")


class DamagedError(Exception):
    """Why an item cannot be read, in words that hold nothing of it.

    `gone` says that its file is not there any more.
    """

    def __init__(self, why: str, *, gone: bool = False) -> None:
        super().__init__(why)
        self.gone = gone


class Opened(NamedTuple):
    """An item, and the SHA-256 in hex of its file and of its body."""

    item: Item
    kept: str
    body: str

    @property
    def head(self) -> FormerHead:
        """Its head, with what was found of its source and its signature."""
        item = self.item
        return former_head(item.head, item.origin, item.signed, item.received)


def body_of(entry: Entry) -> str:
    """Return the SHA-256 of an item's body in hex, as its name says it."""
    return entry.name.partition("-")[0]


def open_item(store: Items, entry: Entry, identities: Identities) -> Opened:
    """Read an item. Raises `DamagedError`, also for a file that is another than its name says."""
    try:
        data = store.read(entry)
    except StoreError as error:
        gone = isinstance(error, GoneError) or not (entry.fleet or is_there(entry.path))
        raise DamagedError("is gone" if gone else str(error), gone=gone) from None
    try:
        item = read_item(identities.decrypt(data))
    except (DecryptionError, ItemError) as error:
        raise DamagedError(str(error)) from None
    body = sha256(item.body).hexdigest()
    if item_name(body, item.head.target) != entry.name:
        raise DamagedError("holds another item than its name says")
    if not _is_of_a_gate(item):
        raise DamagedError("says of where it came from what no gate says")
    return Opened(item, sha256(data).hexdigest(), body)


def _is_of_a_gate(item: Item) -> bool:
    """Whether what goes into fields is what gates put there: of another hand it may be anything."""
    peer, client, chain, *_ = item.origin
    addresses = (client, *chain, *(() if peer == UNIX_PEER else (peer,)))
    return (
        _REQUEST_ID.fullmatch(item.request_id) is not None
        and item.head.scheme in _SCHEMES
        and all(str(parse_address(address)) == address for address in addresses)
    )
