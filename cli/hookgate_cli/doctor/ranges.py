"""The ranges that ship with hookgate: when they were reviewed, and whether they may send."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import netaddr

from hookgate.networks.ranges import SHIPPED, parse_networks
from hookgate_cli.terminal import to_json

from .check import Finding, look, wrong
from .scene import Scene
from .senders import foreign_clients

_REVIEW_DAYS = 180


def ranges(scene: Scene) -> Iterator[Finding]:
    """Whether the shipped ranges were reviewed of late, and are let in."""
    entries = _entries(scene)
    for name, shipped in SHIPPED.items():
        if name in entries:
            age = (datetime.now(UTC).date() - date.fromisoformat(shipped.reviewed)).days
            if age > _REVIEW_DAYS:
                yield look(
                    f"the ranges of {name} were reviewed {age} days ago",
                    "take a newer hookgate, or see whether CM.com still announces them:",
                    f"{scene.command} ranges check{scene.option}",
                )
        elif scene.config is not None:
            yield from _lacking(scene, name, netaddr.IPSet(shipped.cidrs))


def _entries(scene: Scene) -> list[str]:
    given = scene.sources.keys["source.allow"].value
    if isinstance(given, str):
        return [entry.strip() for entry in given.split(",") if entry.strip()]
    return list(given) if isinstance(given, list | tuple) else []  # told by who checks the file


def _lacking(scene: Scene, name: str, all_of: netaddr.IPSet) -> Iterator[Finding]:
    """Whether who sends from a part of a shipped set is refused."""
    allow = scene.settings.source.allow
    lacking = all_of - netaddr.IPSet(allow)
    if not lacking:
        return
    told = ", ".join(map(str, lacking.iter_cidrs()))
    says = f"source.allow lacks ranges that {name} sends from, and refuses them: {told}"
    others = [e for e in _entries(scene) if not netaddr.IPSet(parse_networks(e)) <= all_of]
    wanted, given = [name, *others], scene.sources.keys["source.allow"]
    if given.is_variable:
        mend = f"set {given.origin[1:]}={','.join(wanted)}, and restart. "
    else:
        mend = (
            f"write below [source] in {scene.named_file}: allow = {to_json(wanted)}; then reload. "
        )
    mend += "Leave it where another gate serves these"
    refused = sum(str(client) in lacking for client in foreign_clients(scene))
    if refused:
        yield wrong(f"{says}. Of late {refused} requests from there were refused", mend)
    else:
        yield look(says, mend)
