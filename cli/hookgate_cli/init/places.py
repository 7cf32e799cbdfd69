"""Where hookgate can run: what each place brings to the configuration, and what it cannot do."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hookgate.nginx import Names, RenderError, render
from hookgate.settings import Config
from hookgate_cli.installation import shipped

_MANIFEST = "  hookgate.toml: |\n"
_INDENT = "    "


class Place(NamedTuple):
    """Describe a place.

    `keys` are what it brings, by the folder that is written; `refuses` says why it cannot do what a
    configuration asks for, or "".
    """

    about: str
    keys: Callable[[Path], dict[str, Any]]
    listen: str
    refuses: Callable[[Config], str]


def split_manifest() -> tuple[str, str, str]:
    """Split kubernetes.yaml: before the configuration in it, that configuration, what follows."""
    text = shipped("kubernetes.yaml")
    head, _, rest = text.partition(_MANIFEST)
    inside, _, tail = rest.partition("---\n")
    lines = [line.removeprefix(_INDENT) for line in inside.splitlines()]
    return head + _MANIFEST, "\n".join(lines) + "\n", "---\n" + tail


def indent_manifest(text: str) -> str:
    """Return a configuration as it stands in the manifest."""
    return "".join(f"{_INDENT}{line}\n" if line else "\n" for line in text.splitlines())


def _shipped_keys(text: str) -> dict[str, Any]:
    sections = tomllib.loads(text)
    sections.get("source", {}).pop("allow", None)
    return {
        f"{name}.{key}": value for name, keys in sections.items() for key, value in keys.items()
    }


def _nothing(config: Config) -> str:  # noqa: ARG001  # one signature
    return ""


def _addon(config: Config) -> str:
    if config.source.proxy_protocol:
        return "mitmproxy reads no PROXY protocol; name a field, or let it run elsewhere"
    if not hasattr(config.sidecar.listen, "port"):
        return "mitmproxy listens on TCP alone; write an address like 127.0.0.1:8081"
    return ""


def _nginx(config: Config) -> str:
    try:
        render(config)
    except RenderError as error:
        return str(error)
    return ""


# As an answer to where.
DEFAULT = "here"
PLACES = {
    "here": Place(
        "hookgate serve by hand; the ledger is in the folder that is written",
        lambda folder: {"audit.path": str(folder / "hookgate-audit.jsonl")},
        ":8081",
        _nothing,
    ),
    "systemd": Place(
        "hookgate serve as a service of this machine",
        lambda _: {
            "audit.path": "/var/log/hookgate/hookgate-audit.jsonl",
            "sidecar.admin": "127.0.0.1:9180",
        },
        ":8081",
        _nothing,
    ),
    "container": Place(
        "hookgate serve in a container",
        lambda _: _shipped_keys(shipped("container.toml")),
        ":8081",
        _nothing,
    ),
    "kubernetes": Place(
        "hookgate serve beside the endpoint, in one pod",
        lambda _: _shipped_keys(split_manifest()[1]),
        ":8443",
        _nothing,
    ),
    "mitmdump": Place(
        "inside mitmproxy, as its addon",
        lambda folder: {"audit.path": str(folder / "hookgate-audit.jsonl")},
        ":8081",
        _addon,
    ),
    "nginx": Place(
        "inside nginx, as includes; it judges no body",
        lambda _: {"audit.path": Names().default_log},
        ":8081",
        _nginx,
    ),
}
