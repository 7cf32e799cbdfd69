"""The libraries that a verdict hangs on, with their versions."""

import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from . import __version__

# What parses and compares; Python's own `re`, `ipaddress` and UTF-8 decoder among it.
_JUDGING = ("jiter", "jsonschema-rs", "netaddr", "orjson")
# What tells a front where a request begins and ends. nginx's verdict is all in its rendered files.
# What is replayed was framed before.
_FRAMING: dict[str, tuple[str, ...]] = {
    "sidecar": ("httptools",),
    "addon": ("h11", "mitmproxy"),
    "replay": (),
}


@lru_cache
def libraries(front: str) -> tuple[str, ...]:
    """What can change a verdict of this front beside its configuration, as in "jiter 0.19.0".

    Nothing for a front that reads no request by itself.
    """
    if front not in _FRAMING:
        return ()
    names = sorted((*_JUDGING, *_FRAMING[front]))
    ours = f"hookgate {__version__}", f"Python {platform.python_version()}"
    return (*ours, *(f"{name} {_version(name)}" for name in names))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
