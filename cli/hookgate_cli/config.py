"""`hookgate config`: write, check and show a configuration."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from hookgate.config import DEFAULT_CONTRACT
from hookgate.keys import KEYS, ROUTE_KEYS, SECTIONS
from hookgate.policy import Policy
from hookgate.sources import find_file, gather

from .common import (
    ASSUMED_UPSTREAM,
    ConfigOption,
    JsonOption,
    fail,
    load_config,
    out,
    print_json,
    visible,
)

app = typer.Typer(no_args_is_help=True, help="Write, check and show a configuration.")


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help='Where to write; "-" is stdout.')] = Path(
        "hookgate.toml"
    ),
) -> None:
    """Write a file with every key, its default and what it is for.

    Examples:

      hookgate config init

      hookgate config init - | less
    """
    if str(file) == "-":
        sys.stdout.write(template())
        return
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(template())
    except FileExistsError:
        fail(f"{file} exists already; name another file, or move it away")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}")
    named = visible(shlex.quote(str(file)))
    done = f"Wrote {visible(file)}. Set upstream.url in it, then: "
    out.print(f"{done}hookgate config check --config {named}", markup=False, soft_wrap=True)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Read a configuration as `serve` would, and report every problem at once.

    Exits 2 if there is any.
    """
    loaded = load_config(config)
    where = find_file(config, os.environ) or "defaults and environment"
    policy = Policy(loaded)
    for name in policy.untold:
        out.print(
            f'contract "{visible(name)}": leads back to itself by several ways or through an '
            "alternative, or refers by an anchor or an $id, so a refusal will not say where an "
            "event is wrong; refer back by one JSON Pointer, from members that stand beside the "
            "alternatives.",
            markup=False,
        )
    marks = f"Policy {policy.fingerprint}, config {loaded.digest}"
    out.print(f"{visible(where)}: fine. {marks}.", markup=False)


@app.command()
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print the configuration in effect, as a hookgate.toml that says where each value is from."""
    load_config(config)
    sources = gather(config)
    if as_json:
        keys = {name: given._asdict() for name, given in sources.keys.items()}
        print_json({"keys": keys, "route": sources.routes.value}, indent=2)
        return
    for route in sources.routes.value:
        sys.stdout.write(f"[[route]]  # {visible(sources.routes.origin)}\n")
        for name, value in route.items():
            sys.stdout.write(f"{name} = {json.dumps(value)}\n")
        sys.stdout.write("\n")
    for section in SECTIONS:
        sys.stdout.write(f"[{section}]\n")
        for key in KEYS:
            if key.section == section:
                value, origin = sources.keys[key.path]
                sys.stdout.write(f"{key.name} = {json.dumps(value)}  # {visible(origin)}\n")
        sys.stdout.write("\n")


def template() -> str:
    """A hookgate.toml with every key, each commented out but the one that must be set."""
    lines = ["# hookgate.toml: every key with its default. Remove the # to change one.", ""]
    for section in SECTIONS:
        if section == "checks":
            lines += _route_template()
        lines.append(f"[{section}]")
        for key in KEYS:
            if key.section == section:
                mark = "" if key.path == "upstream.url" else "# "
                value = ASSUMED_UPSTREAM if not mark else key.default
                lines += [f"# {key.about}", f"{mark}{key.name} = {json.dumps(value)}"]
        lines.append("")
    return "\n".join(lines)


def _route_template() -> list[str]:
    return [
        "# [[route]]                      # none: every path is taken",
        f'# path = "/cm/events"            # {ROUTE_KEYS["path"][1]}',
        f'# contract = "{DEFAULT_CONTRACT}"         # {ROUTE_KEYS["contract"][1]}',
        "",
    ]
