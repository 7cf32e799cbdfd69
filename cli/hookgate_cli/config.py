"""`hookgate config`: write, check and show a configuration."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from hookgate.alarm_settings import ChannelKind, ChannelSettings
from hookgate.config.certificates import find_aging
from hookgate.config.channel_files import read_channels
from hookgate.config.folders import check_folders
from hookgate.config.keys import KEYS, SECTIONS
from hookgate.config.layers import find_file, gather
from hookgate.config.loops import find_loops
from hookgate.config.redaction import redact_secret_path, redact_url
from hookgate.config.whole_paths import whole_paths
from hookgate.files import whole_path
from hookgate.libraries import libraries
from hookgate.policy import Policy
from hookgate.settings import UpstreamSettings
from hookgate.upstream.endpoint import Endpoint
from hookgate.upstream.error import UpstreamError
from hookgate.upstream.lookup import Lookup
from hookgate.upstream.reach import Reached, reach, speaks_tls
from hookgate.wording import path_in_shell

from .common import (
    FINDING,
    ConfigOption,
    JsonOption,
    err,
    fail,
    load_config,
    out,
    plain_errors,
)
from .config_template import template
from .terminal import print_json, printable, to_json

# How long an endpoint that has accepted is waited for to hang up, or to answer a hello.
_LINGER_SECONDS = 0.5
_HELLO_SECONDS = 1.0

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Write, check and show a configuration."
)


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
    is_found = find_file(None, os.environ) == str(file)
    named = "" if is_found else f" --config {path_in_shell(file)}"
    done = f"Wrote {printable(file)}. Set upstream.url in it, then: "
    out.print(f"{done}hookgate config check{named}", soft_wrap=True)


@app.command()
def check(
    connect: Annotated[
        bool,
        typer.Option("--connect", help="Try to connect to upstream.url as well."),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Read a configuration as `serve` would, and report every problem at once.

    Exits 2 if there is any.

    With --connect it also looks up the endpoint's name, connects, and shakes hands where it is
    https, within upstream.timeout; then it waits half a second for the endpoint to hang up, and
    closes. It sends no request. Where it is http, a second connection says a TLS hello, to tell a
    port that wants https: an http server answers 400 to that, or notes a bad request. Exits 1, with
    the cause and what to do, if the endpoint cannot be reached so.
    """
    loaded = load_config(config)
    if faults := [*find_loops(loaded), *check_folders(gather(config))]:
        fail(faults)
    _check_channels(loaded.channels)
    for aging in find_aging(loaded, time.time()):
        err.print(printable(f"hookgate: warning: {aging.says}; renew it"), soft_wrap=True)
    file = find_file(config, os.environ)
    where = whole_path(file) if file else "defaults and environment"
    policy = Policy(loaded, libraries("sidecar"))
    for name in policy.untold:
        out.print(
            f'contract "{printable(name)}": leads back to itself by several ways or through an '
            "alternative, or refers by an anchor or an $id, so a refusal will not say where an "
            "event is wrong; refer back by one JSON Pointer, from members that stand beside the "
            "alternatives."
        )
    marks = f"Policy {policy.fingerprint}, config {loaded.digest}"
    out.print(f"{printable(where)}: fine. {marks}.", soft_wrap=True)
    for key, path in whole_paths(gather(config)).items():
        out.print(printable(f"{key} is {path}, counted from here"), soft_wrap=True)
    if connect:
        _connect(loaded.upstream)


def _check_channels(channels: tuple[ChannelSettings, ...]) -> None:
    """Read the files that only `hookgate watch` needs, and say where each channel leads."""
    with plain_errors():
        channels, warnings = read_channels(channels)
        for warning in warnings:
            err.print(printable(f"hookgate: warning: {warning}"), soft_wrap=True)
        for channel in channels:
            to = redact_url(channel.url)
            if channel.kind is ChannelKind.COMMAND:
                to = channel.command[0]
            least = "critical alarms" if channel.severity == "critical" else "all alarms"
            told = f'alarm.channel "{channel.name}": {channel.kind}, {to}: {least}'
            out.print(printable(told), soft_wrap=True)


def _connect(settings: UpstreamSettings) -> None:
    reached = asyncio.run(_try(settings))
    url, at = printable(settings.url), f" ({reached.peer})" if reached.peer else ""
    error = reached.error
    if error is None:
        said = "TLS and its certificate are right" if settings.url.startswith("https") else "no TLS"
        out.print(f"{url}{at}: connected, {said}.")
        return
    detail = f" [{printable(reached.detail)}]" if reached.detail else ""
    out.print(f"{url}{at}: {error.word}{detail}: {error.means}.\nWhat to do: {error.mend}.")
    raise typer.Exit(FINDING)


async def _try(settings: UpstreamSettings) -> Reached:
    where = Endpoint.of(settings)
    reached = await reach(Lookup(where), settings.timeout, _LINGER_SECONDS)
    is_plain = reached.error is None and where.tls is None and not where.path
    if is_plain and await speaks_tls(where, _HELLO_SECONDS):
        return reached._replace(error=UpstreamError.TLS_NONE)
    return reached


@app.command()
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print the configuration in effect, as a hookgate.toml that says where each value is from."""
    load_config(config)
    sources = gather(config)
    if as_json:
        keys = {name: given._asdict() for name, given in sources.keys.items()}
        channels = [_shown_channel(channel) for channel in sources.channels.value]
        routes = sources.routes.value
        print_json({"keys": keys, "route": routes, "alarm.channel": channels}, indent=2)
        return
    for route in sources.routes.value:
        sys.stdout.write(f"[[route]]  # {printable(sources.routes.origin)}\n")
        tables = {name: value for name, value in route.items() if isinstance(value, dict)}
        _write_keys({name: value for name, value in route.items() if name not in tables})
        for name, table in tables.items():
            sys.stdout.write(f"\n[route.{name}]\n")
            _write_keys(table)
        sys.stdout.write("\n")
    for channel in sources.channels.value:
        sys.stdout.write(f"[[alarm.channel]]  # {printable(sources.channels.origin)}\n")
        _write_keys(_shown_channel(channel))
        sys.stdout.write("\n")
    for section in SECTIONS:
        sys.stdout.write(f"[{section}]\n")
        for key in KEYS:
            if key.section == section:
                value, origin = sources.keys[key.path]
                sys.stdout.write(f"{key.name} = {to_json(value)}  # {printable(origin)}\n")
        sys.stdout.write("\n")


def _shown_channel(channel: dict[str, Any]) -> dict[str, Any]:
    """A channel's keys; of a URL, its host, and of a command's arguments, how many there are.

    The files that it names were not read: what should be in one may stand in place of its path.
    """
    told = dict(channel)
    if "url" in told:
        told["url"] = redact_url(told["url"])
    for name in {"url_file", "token_file"} & told.keys():
        told[name] = redact_secret_path(told[name])
    if "command" in told:
        told["command"] = [told["command"][0], *["***"] * (len(told["command"]) - 1)]
    return told


def _write_keys(values: dict[str, Any]) -> None:
    for name, value in values.items():
        sys.stdout.write(f"{name} = {to_json(value)}\n")
