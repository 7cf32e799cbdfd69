"""nginx's configuration syntax, as far as the includes use it."""

import re
from collections.abc import Iterable, Mapping

import netaddr

from hookgate.networks.ranges import SHIPPED

_BARE = re.compile(r"[A-Za-z0-9_./:-]+")
# Beyond this a column of values would stand too far from its keys.
_WIDEST_COLUMN = 48
_PLAIN = re.compile(r"[ !#%-\[\]-~]*")


class RenderError(ValueError):
    """Report what nginx cannot do that the configuration asks for; names the key and the mend."""


def quoted(text: str) -> str:
    """Write a parameter that is taken literally.

    Raises `RenderError` for what nginx would interpret.
    """
    if not _PLAIN.fullmatch(text) or "$" in text:
        raise RenderError(
            f'"{text}" cannot be written into an nginx configuration: '
            "no quotes, backslashes, dollar signs, control or other characters than ASCII"
        )
    return text if _BARE.fullmatch(text) else f'"{text}"'


def block(opening: str, lines: Iterable[str]) -> list[str]:
    """Write `opening { ... }` over several lines."""
    return [f"{opening} {{", *(f"    {line}" if line else "" for line in lines), "}"]


def geo(source: str, variable: str, networks: Iterable[netaddr.IPNetwork]) -> list[str]:
    """Write a `geo`: `variable` is 1 where the address in `source` is in a network, else 0."""
    merged = sorted(netaddr.cidr_merge(list(networks)))
    return block(
        f"geo {source} {variable}", ["default 0;", *(f"{network} 1;" for network in merged)]
    )


def map_(source: str, variable: str, pairs: Mapping[str, str], default: str = '""') -> list[str]:
    """Write a `map` of `source` to `variable`.

    It is the value of the key that equals `source`, else of the first pattern that matches it.
    """
    rows = {**pairs, "default": default}
    width = max(len(key) for key in rows)
    width = width if width <= _WIDEST_COLUMN else 0
    return block(
        f"map {source} {variable}", [f"{key.ljust(width)} {value};" for key, value in rows.items()]
    )


def of_field(name: str) -> str:
    """Name the variable that holds a request field's value."""
    return "$http_" + name.lower().replace("-", "_")


def comment(text: str) -> list[str]:
    """Write a text as comment lines."""
    return [f"# {line}".rstrip() for line in text.strip().splitlines()]


def reviewed() -> str:
    """Tell the shipped ranges and the day they were read, in words."""
    return "\n".join(
        f"Ranges of {name} as published on {ranges.reviewed}: {', '.join(ranges.cidrs)}."
        for name, ranges in SHIPPED.items()
    )
