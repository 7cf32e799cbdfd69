"""What is installed: Python, the libraries, mitmproxy; and certificates that age."""

import re
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from hookgate.address import UnixAddress
from hookgate.config.certificates import find_aging

from .check import Finding, look, wrong
from .scene import Scene

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)")
# 11.0.2 takes any two bytes for the end of a chunk: docs/mitmproxy.md.
_MITMPROXY = 12


def libraries(scene: Scene) -> Iterator[Finding]:  # noqa: ARG001  # one signature
    """Whether the libraries are there, in versions that hookgate was made for."""
    pip = f"{Path(sys.executable).with_name('pip')} install --upgrade hookgate"
    for line in requires("hookgate") or ():
        found = _REQUIREMENT.fullmatch(line.strip())
        if found is None:  # an extra's has a marker behind it
            continue
        try:
            has = version(found[1])
        except PackageNotFoundError:
            yield wrong(f"the library {found[1]} is missing", "", pip)
            continue
        if _numbers(has) < _numbers(found[2]):
            yield wrong(f"the library {found[1]} is {has}, older than {found[2]}", "", pip)


def mitmdump(scene: Scene) -> Iterator[Finding]:
    """Of a set-up with the addon: whether mitmproxy can run it."""
    is_addon = any(record.get("front") == "addon" for record in scene.records[:1])
    if not is_addon:
        return
    source, listen = scene.settings.source, scene.settings.sidecar.listen
    if source.proxy_protocol:
        yield wrong(
            "source.proxy_protocol is set, and mitmproxy reads no such header",
            f"leave it out of {scene.named_file}, and name a field in source.header",
        )
    if isinstance(listen, UnixAddress):
        yield wrong(f'sidecar.listen = "{listen}", and mitmproxy listens on TCP alone',
                    f"write an address like 127.0.0.1:8081 in {scene.named_file}")  # fmt: skip
    if find_spec("mitmproxy") is None:
        yield wrong(
            "the ledger is the addon's, and mitmproxy is not beside this hookgate",
            "if the addon runs from another environment, ask there; else:",
            f"{Path(sys.executable).with_name('pip')} install 'hookgate[addon]'",
        )
    elif _numbers(version("mitmproxy"))[0] < _MITMPROXY:
        yield look(
            f"mitmproxy is {version('mitmproxy')}, which reads the end of a chunk too loosely "
            "(CVE-2025-43859); hookgate closes such connections",
            "run it with Python 3.12 or 3.13, for which there is mitmproxy 12",
        )


def certificate(scene: Scene) -> Iterator[Finding]:
    """Whether the certificates of the listener, and for the endpoint, are valid for a while."""
    for aging in find_aging(scene.settings, time.time()):
        yield (look if aging.is_valid else wrong)(
            f"{aging.says}: without it no connection is made",
            "renew it, key and certificate to new files, and rename them; the gate sees those of "
            "[sidecar] by itself, and reads those of [upstream] at a reload",
        )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
