"""`hookgate doctor`: look at a set-up, and say what is wrong, worst first."""

import os
from contextlib import suppress
from pathlib import Path
from textwrap import wrap
from typing import Annotated

import typer
from rich.text import Text

from hookgate.config.build import build
from hookgate.config.error import ConfigError
from hookgate.config.layers import find_file, gather
from hookgate.config.whole_paths import whole_paths
from hookgate.libraries import libraries
from hookgate.paths import is_folder
from hookgate_cli.common import FINDING, MISUSE, ConfigOption, JsonOption, fail, out
from hookgate_cli.deadline import OverdueError, within
from hookgate_cli.installation import own_program
from hookgate_cli.offering import runs_systemd
from hookgate_cli.terminal import print_json, printable

from .check import Finding, Severity
from .deployed import DEPLOYED, find_includes
from .running import Result, run
from .scene import Scene, caller, find_user
from .table import CHECKS
from .unit_files import GATE, read_unit

_SECONDS = 15.0
_WIDTH = 80
_UNITS = Path("/etc/systemd/system")
_WORDS = {Severity.WRONG: ("wrong", "red"), Severity.LOOK: ("look", "yellow")}
_BLIND = ("unseen", "cyan")


def doctor(
    config: ConfigOption = None,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="NAME", help="Whom the gate runs as; else its unit's."),
    ] = None,
    nginx: Annotated[
        Path | None,
        typer.Option(
            "--nginx",
            metavar="DIR",
            help=f"Where includes are deployed; else beside the configuration, in {DEPLOYED}, or in"
            " the folder nginx there or here.",
        ),
    ] = None,
    units: Annotated[
        Path, typer.Option("--units", metavar="DIR", help="Where systemd's units are installed.")
    ] = _UNITS,
    offline: Annotated[
        bool, typer.Option("--offline", help="Connect to nothing, not even to the endpoint.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at a planned or running set-up, and say what is wrong, worst first, and what mends it.

    It changes nothing. It connects to what the configuration names alone: to the endpoint, with one
    HEAD request for its time, to sidecar.admin, and to the store of the fleet. What takes longer
    than 15 seconds is left, and said. Run it as root to see everything.

    Exits 0 if nothing is wrong, 1 if somebody should look, and 2 if not everything could be seen,
    or the command was used wrongly.

    Examples:

      hookgate doctor --config /etc/hookgate/hookgate.toml

      hookgate doctor --offline --json
    """
    if nginx is not None and not is_folder(nginx):
        fail(f"--nginx {nginx} is no folder; name the one that holds the includes")
    if user is not None and find_user(user) is None:
        fail(f"--user {user} is no user of this machine; name the one that the gate runs as")
    try:
        scene = within(_SECONDS, lambda: _see(config, user, units, nginx))
    except OverdueError:
        fail(f"the configuration could not be read within {_SECONDS:g} seconds: a disk hangs")
    checks = [
        check
        for check in CHECKS
        if (scene.config is not None or not check.needs_config) and not (offline and check.contacts)
    ]
    results = run(checks, scene, _SECONDS)
    if as_json:
        _print_json(scene, results)
    else:
        _print(scene, results)
    if any(result.findings for result in results):
        raise typer.Exit(FINDING)
    if any(result.blind for result in results):
        raise typer.Exit(MISUSE)


def _see(config: str | None, user: str | None, units: Path, nginx: Path | None) -> Scene:
    file = find_file(config, os.environ)
    whole = Path(file).absolute() if file else None
    beside = whole.parent if whole else Path.cwd()
    folder = nginx or find_includes(beside)
    installed = read_unit(units, GATE)
    unit = installed or read_unit(beside, GATE)
    if installed and whole and str(whole) in installed.command:
        _go_to(installed.working_directory)
    sources = gather(str(whole) if whole else None)
    runs_as = find_user(user or (unit.last("User") if unit else "")) or caller()
    problems: tuple[str, ...] = ()
    try:
        built = build(sources)
    except ConfigError as error:
        built, problems = None, tuple(error.problems)
    named = str(whole) if whole else None
    return Scene(
        named, sources, built, problems, runs_as, units, unit, folder, own_program(), runs_systemd()
    )


def _go_to(folder: Path) -> None:
    """Go where the unit starts the gate: relative paths count from there."""
    with suppress(OSError):  # it is made when the unit starts
        os.chdir(folder)


def _sorted(results: list[Result]) -> list[tuple[str, Finding]]:
    found = [(result.check.name, finding) for result in results for finding in result.findings]
    return sorted(found, key=lambda item: item[1].severity)


def _print(scene: Scene, results: list[Result]) -> None:
    where = scene.file or "defaults and environment"
    out.print(f"{where}, for a gate that runs as {scene.user.pw_name}", soft_wrap=True)
    for key, path in whole_paths(scene.sources).items():
        out.print(f"{key} is {path}, counted from where the gate starts", soft_wrap=True)
    for name, finding in _sorted(results):
        _print_one(*_WORDS[finding.severity], name, finding.says)
        for line in _fill(finding.mend, _WIDTH - 4):
            out.print(f"    {line}", soft_wrap=True)
        for command in finding.commands:
            out.print(f"      {command}", soft_wrap=True)
    for result in results:
        if result.blind:
            _print_one(*_BLIND, result.check.name, f"could not look: {result.blind}")
    found = sum(len(result.findings) for result in results)
    blind = sum(bool(result.blind) for result in results)
    waiting = sum(check.needs_config for check in CHECKS) if scene.config is None else 0
    told = [f"{len(results) - blind} checks made", f"{found} to look at"]
    told += [f"{blind} could not be made"] * bool(blind)
    told += [f"{waiting} wait for a configuration that can be used"] * bool(waiting)
    out.print(f"\n{', '.join(told)}.", soft_wrap=True)


def _print_one(word: str, colour: str, name: str, says: str) -> None:
    lines = _fill(f"{word} [{name}] {says}", _WIDTH)
    out.print()
    for at, line in enumerate(lines):
        text = Text(line)
        if not at:
            text.stylize(f"bold {colour}", 0, len(word))
        out.print(text, soft_wrap=True)


def _fill(text: str, width: int) -> list[str]:
    """Break lines at spaces alone: paths and keys stay whole."""
    return wrap(printable(text), width, break_long_words=False, break_on_hyphens=False)


def _print_json(scene: Scene, results: list[Result]) -> None:
    print_json(
        {
            "config": scene.file,
            "user": scene.user.pw_name,
            "paths": whole_paths(scene.sources),
            "findings": [
                {"severity": _WORDS[f.severity][0], "check": name, "says": f.says,
                 "mend": f.mend, "commands": f.commands}
                for name, f in _sorted(results)
            ],
            "unseen": {result.check.name: result.blind for result in results if result.blind},
            "versions": libraries("sidecar"),
            "made": [result.check.name for result in results if not result.blind],
        },
        indent=2,
    )  # fmt: skip
