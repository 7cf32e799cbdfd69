"""The plain allowlist: one file that needs no other."""

from collections.abc import Iterator

import netaddr

from hookgate.settings import Config

from .patterns import within
from .syntax import comment, reviewed

# nginx reads its files through a buffer of 4096 bytes, which has to hold a parameter whole.
_LONGEST_PARAMETER = 3800


def render_allow(config: Config) -> list[str]:
    """Return the lines of hookgate-allow.conf."""
    head = f"""
Lets only the configured sources through; anybody else gets an empty 403.

Include it first thing in a `server`, which holds for all its locations, or in a `location`, which
holds for none that is inside it or that it passes requests on to. It needs no other file. Behind a
proxy include hookgate-realip.conf before it.

It looks at no method, media type, size or body, and writes no record.

The list is there twice. `allow` and `deny` alone would be passed over by a `return`, dropped by
any `allow` or `deny` further in, and overruled by `satisfy any`; the test above them runs before
all of these, on the bytes of the address. Only these come first: a `return`, `break` or `rewrite`
that stands before this include, on the same level; and a named location that `error_page` leads to
for 400, 405, 494 or 501, which nginx gives before it asks anybody.

{reviewed()}
"""
    networks = netaddr.cidr_merge(list(config.source.allow))
    return [
        *comment(head),
        "",
        *_admit([within(network) for network in networks]),
        "",
        *(f"allow {network};" for network in networks),
        "deny all;",
    ]


def _admit(patterns: list[str]) -> Iterator[str]:
    yield 'set $hookgate_nothing "";'
    groups = list(_grouped(patterns))
    if len(groups) == 1:
        yield f'if ($binary_remote_addr !~ "{groups[0]}") {{ return 403 $hookgate_nothing; }}'
        return
    yield "# More ranges than one line of nginx holds. Include this file in the `server`: in a"
    yield "# `location` an `if` that is true changes what `try_files` and `alias` do."
    yield 'set $hookgate_admitted "";'
    for group in groups:
        yield f'if ($binary_remote_addr ~ "{group}") {{ set $hookgate_admitted yes; }}'
    yield 'if ($hookgate_admitted = "") { return 403 $hookgate_nothing; }'


def _grouped(patterns: list[str]) -> Iterator[str]:
    """Alternatives of the patterns, each short enough for one parameter of nginx."""
    group = patterns[0]
    for pattern in patterns[1:]:
        if len(group) + len(pattern) < _LONGEST_PARAMETER:
            group += f"|{pattern}"
        else:
            yield group
            group = pattern
    yield group
