"""The networks of a configuration: who may send, who is watched, and which proxies are trusted."""

import json
from typing import NamedTuple

import netaddr

from hookgate.files import FileError
from hookgate.networks.error import NetworkError
from hookgate.networks.mends import Notation, network_mend
from hookgate.networks.range_set import RangeSet
from hookgate.networks.ranges import SHIPPED, WATCHED, parse_networks
from hookgate.policy import UNIX_PEER
from hookgate.text_file import read_text

from .draft import Draft
from .keys import KEYS
from .layers import Sources
from .redaction import shown

_Networks = tuple[netaddr.IPNetwork, ...]

_LONGEST_SHOWN = len("2001:0db8:0000:0000:0000:0000:0000:0000/128")
# What to write for an entry whose meaning is in doubt.
_SENDER = {
    Notation.TOML: 'write a CIDR like 203.0.113.0/24, or "cm.com"',
    Notation.TEXT: "write a CIDR like 203.0.113.0/24, or cm.com",
    Notation.FILE: "write a CIDR like 203.0.113.0/24, or cm.com",
}
_WATCHED = {
    Notation.TOML: 'write a CIDR like 203.0.113.0/24, or "cm.com-other"',
    Notation.TEXT: "write a CIDR like 203.0.113.0/24, or cm.com-other",
}
_PROXY = "write the address of a proxy, or a CIDR like 10.0.0.0/24"
# What a list may hold that holds nothing.
_LINES = {
    "source.allow_file": "203.0.113.0/24 or cm.com",
    "source.trusted_proxies_file": "192.0.2.1 or 10.0.0.0/24",
}


class NetworkLists(NamedTuple):
    """Hold who may send and which proxies are trusted, of the lists and of their files; and who
    may not, and is watched.
    """

    allow: _Networks
    trusted_proxies: _Networks
    watch: _Networks


def read_network_lists(draft: Draft) -> NetworkLists:
    """Read the lists and their files, and check that together they mean something."""
    allow, trusted = (
        {
            f"source.{name}": _read_list(f"source.{name}", draft),
            f"source.{name}_file": _read_file(f"source.{name}_file", draft),
        }
        for name in ("allow", "trusted_proxies")
    )
    if not any(draft.values["source.allow"]) and not draft.is_set("source.allow_file"):
        given = draft.given("source.allow")
        mend = f"cm.com, or unset {given.origin}" if given.is_variable else '["cm.com"]'
        draft.problems.append(
            f"{draft.origin('source.allow')}source.allow is empty: nobody could send; write {mend}"
        )
    _check_overlap(allow, trusted, draft.problems)
    if draft.values["source.proxy_protocol"] and not (
        draft.is_set("source.trusted_proxies") or draft.is_set("source.trusted_proxies_file")
    ):
        draft.problems.append(
            "source.proxy_protocol needs source.trusted_proxies: from anybody else it is no proof"
        )
    watch = _read_list("source.watch", draft)
    if draft.given("source.watch").origin != "default":
        _check_watched(watch, _joined(allow), draft)
    return NetworkLists(_joined(allow), _joined(trusted), watch)


def allowed_ranges(sources: Sources) -> RangeSet:
    """Read who may send, as much of it as can be read: for whoever reads a ledger."""
    draft = Draft(sources.keys)
    draft.parse(key for key in KEYS if key.path in ("source.allow", "source.allow_file"))
    networks = _read_list("source.allow", draft)
    return RangeSet(networks + _read_file("source.allow_file", draft))


def watched_networks(sources: Sources) -> _Networks:
    """Read who is watched and may not send, as much of it as can be read: likewise."""
    draft = Draft(sources.keys)
    draft.parse(key for key in KEYS if key.path == "source.watch")
    return _read_list("source.watch", draft)


def _check_watched(watch: _Networks, allow: _Networks, draft: Draft) -> None:
    both = netaddr.IPSet(watch) & netaddr.IPSet(allow)
    if not both:
        return
    rest = [str(network) for network in (netaddr.IPSet(watch) - both).iter_cidrs()]
    given = draft.given("source.watch")
    mend = f"write {','.join(rest) if isinstance(given.value, str) else json.dumps(rest)}"
    if given.is_variable and not rest:
        mend = f"unset {given.origin}"
    draft.warnings.append(
        f"{draft.origin('source.watch')}source.watch holds {both.iter_cidrs()[0]}, which"
        f" source.allow admits already; {mend}"
    )


def _joined(lists: dict[str, _Networks]) -> _Networks:
    return tuple(network for networks in lists.values() for network in networks)


def _read_list(where: str, draft: Draft) -> _Networks:
    entries = draft.values[where]
    notation = Notation.TEXT if isinstance(draft.given(where).value, str) else Notation.TOML
    networks: list[netaddr.IPNetwork] = []
    for number, entry in enumerate(entries):
        if entry == UNIX_PEER and where == "source.trusted_proxies":
            continue
        try:
            sets = {**SHIPPED, **WATCHED} if where == "source.watch" else SHIPPED
            networks += parse_networks(entry, sets=sets)
        except NetworkError as error:
            if any(entries):
                mend = network_mend(error, notation, _otherwise(where, notation))
                draft.problems.append(
                    f"{draft.origin(where)}{where}[{number}] = {shown(entry)} {mend}"
                )
    return tuple(networks)


def _read_file(where: str, draft: Draft) -> _Networks:
    """One network a line; `#` begins a comment."""
    path = draft.values[where]
    if not path:
        return ()
    try:
        lines = read_text(path).split("\n")
    except FileError as error:
        draft.refuse_file(where, error)
        return ()
    if any(line.startswith("-----BEGIN ") for line in lines):
        draft.refuse_file(where, "is no list of networks: it is PEM")
        return ()
    networks: list[netaddr.IPNetwork] = []
    entries = [(number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1)]
    for number, entry in entries:
        try:
            networks += parse_networks(entry) if entry else ()
        except NetworkError as error:
            # Of a file that was not meant any line may be a secret.
            entry = shown(entry) if len(entry) <= _LONGEST_SHOWN else "***"
            mend = network_mend(error, Notation.FILE, _otherwise(where, Notation.FILE))
            draft.problems.append(f"{path}:{number}: {entry} {mend}")
    if not any(entry for _, entry in entries):
        draft.refuse_file(where, f"holds no network; write one a line, like {_LINES[where]}")
    return tuple(networks)


def _otherwise(where: str, notation: Notation) -> str:
    if where == "source.watch":
        return _WATCHED[notation]
    return _SENDER[notation] if where.startswith("source.allow") else _PROXY


def _check_overlap(
    allow: dict[str, _Networks],
    trusted: dict[str, _Networks],
    problems: list[str],
) -> None:
    for proxies_key, proxies in trusted.items():
        for allow_key, allowed in allow.items():
            overlap = netaddr.IPSet(allowed) & netaddr.IPSet(proxies)
            if overlap:
                problems.append(
                    f"{proxies_key} overlaps {allow_key} in {overlap.iter_cidrs()[0]}: a proxy's "
                    "own address would be taken for the client; take it out of one of them"
                )
