"""The nginx includes that are deployed, beside what the configuration renders to."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import hookgate
from hookgate.nginx import Names, RenderError, render
from hookgate.paths import is_file
from hookgate.wording import in_shell

from .check import Finding, look, wrong
from .scene import Scene

# Where the docs have them rendered to.
DEPLOYED = Path("/etc/nginx/hookgate")
# Those of the default configuration, in a checkout of hookgate: they are nobody's.
_OWN = Path(hookgate.__file__).parents[2] / "nginx"
_LOCATION = re.compile(r"hookgate-(?:([a-z][a-z0-9]{0,15})-)?location\.conf")
_LOG = re.compile(r"^\s*access_log\s+\"?([^\s;\"]+)", re.MULTILINE)


def find_includes(beside: Path) -> Path | None:
    """Find the folder with includes of the configuration that is in the folder `beside`: beside it,
    in `DEPLOYED`, or where `nginx render` writes without --out. None where there are none.
    """
    places = (beside, DEPLOYED, beside / "nginx", Path("nginx").absolute())
    found = (place for place in places if any(place.glob("hookgate*-http.conf")))
    return next((place for place in found if place != _OWN), None)


def includes(scene: Scene) -> Iterator[Finding]:
    """Whether each rendering in the folder is what this configuration and version make."""
    folder = scene.nginx
    if folder is None:
        return
    found = [
        match for file in sorted(folder.iterdir()) if (match := _LOCATION.fullmatch(file.name))
    ]
    if not found:
        yield look(
            f"{folder} holds no hookgate-location.conf: nginx records nothing there",
            "",
            f"{scene.command} nginx render{scene.option} --out {in_shell(folder)}",
        )
    if len(found) > 1:
        return  # of which configuration each is nobody says
    for match in found:
        yield from _one(scene, folder, match[0], match[1] or "")


def _one(scene: Scene, folder: Path, file: str, name: str) -> Iterator[Finding]:
    log = _LOG.search(_text(folder / file) or "")
    path = log[1] if log else ""
    try:
        rendered = render(scene.settings, path, name)
    except RenderError as error:
        yield wrong(str(error), f"{folder} cannot be what {scene.named_file} says until then")
        return
    example = Names(name).file("example.conf")
    stale = [
        file
        for file, text in rendered.items()
        if file != example and _text(folder / file) not in (text, None)
    ]
    if not stale:
        return
    options = f" --name {name}" if name else ""
    if path and path != Names(name).default_log:
        options += f" --log {in_shell(path)}"
    yield wrong(
        f"{', '.join(stale)} in {folder} {'is' if len(stale) == 1 else 'are'} not what "
        f"{scene.named_file} and this version render to: nginx judges by something else",
        "",
        f"{scene.command} nginx render{scene.option}{options} --out {in_shell(folder)}",
        "nginx -t && nginx -s reload",
    )


def _text(file: Path) -> str | None:
    """Read a file; None where there is none, "" where it is a FIFO or the like."""
    if not is_file(file):
        return "" if os.path.lexists(file) else None
    return file.read_text(encoding="utf-8", errors="replace")
