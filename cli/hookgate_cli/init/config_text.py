"""hookgate.toml with what was answered, each key below what it is for."""

import json
import re
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from hookgate.config.keys import KEYS, SECTIONS, Key
from hookgate_cli.terminal import to_json

_WIDTH = 90
# A character above U+FFFF, of which JSON makes two halves. TOML (1.0, strings) takes it whole.
_HALVES = re.compile(r"\\ud[89ab]..\\ud[c-f]..")
# What stands there though it is the default: whoever opens the file looks for these.
_ALWAYS = frozenset(("upstream.url", "source.allow", "audit.path", "sidecar.listen"))
_TLS = """\
# CM.com sends to an https URL. Where nothing in front ends TLS, name the whole chain and its key:
# tls_cert = "/etc/hookgate/tls.crt"
# tls_key = "/etc/hookgate/tls.key"
"""


def config_text(
    keys: Mapping[str, Any], routes: list[dict[str, Any]], *, has_tls: bool = True
) -> str:
    """Return the file's text for keys by `section.name`; `has_tls`: its listener may speak TLS."""
    lines = [
        "# Written by hookgate init. `hookgate config init -` shows every key with its default,",
        "# and `hookgate config check --config FILE` says whether this file can be used.",
        "",
    ]
    for number, route in enumerate(routes):
        if not number:
            lines.append("# The webhooks: any other path is refused.")
        lines += [
            "[[route]]",
            *(f"{name} = {_to_toml(value)}" for name, value in route.items()),
            "",
        ]
    for section in SECTIONS:
        told = [key for key in KEYS if key.section == section and _is_told(key, keys)]
        if not told:
            continue
        lines.append(f"[{section}]")
        for key in told:
            lines += (f"# {line}" for line in wrap(key.about, _WIDTH))
            lines.append(f"{key.name} = {_to_toml(keys.get(key.path, key.default))}")
        if section == "sidecar" and "sidecar.tls_cert" not in keys and has_tls:
            lines += _TLS.splitlines()
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def _to_toml(value: Any) -> str:
    return _HALVES.sub(_whole, to_json(value))


def _whole(halves: re.Match[str]) -> str:
    character = json.loads(f'"{halves[0]}"')
    return f"\\U{ord(character):08x}"


def _is_told(key: Key, keys: Mapping[str, Any]) -> bool:
    return key.path in _ALWAYS or keys.get(key.path, key.default) != key.default
