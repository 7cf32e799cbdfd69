"""`hookgate mitmdump`: the addon, with every option that mitmproxy must be started with."""

import os
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from hookgate.address import UnixAddress
from hookgate.config.layers import find_file
from hookgate.paths import is_there

from .common import AuditOption, ConfigOption, ListenOption, UpstreamOption, fail, load_config
from .terminal import printable


def mitmdump(
    config: ConfigOption = None,
    upstream: UpstreamOption = None,
    listen: ListenOption = None,
    audit: AuditOption = None,
    show: Annotated[
        bool, typer.Option("--print", help="Print the command line and run nothing.")
    ] = False,
) -> None:
    """Run mitmdump with the addon, or print the whole command line.

    mitmproxy itself gets a dead upstream: only the addon sends events on, so nothing passes when
    the addon is broken or gone. Needs the extra: pip install 'hookgate[addon]'.

    Examples:

      hookgate mitmdump --upstream http://127.0.0.1:8080 --listen 127.0.0.1:8081

      hookgate mitmdump --config hookgate.toml --print
    """
    if find_spec("mitmproxy") is None:
        fail("mitmproxy is not installed; pip install 'hookgate[addon]'")
    import hookgate_addon.script  # noqa: PLC0415  # mitmproxy takes 0.5 s to import
    from hookgate_addon.confdir import fallback_confdir  # noqa: PLC0415
    from hookgate_addon.startup import command_line  # noqa: PLC0415

    settings = load_config(
        config, {"upstream.url": upstream, "sidecar.listen": listen, "audit.path": audit}
    )
    address = settings.sidecar.listen
    if isinstance(address, UnixAddress):
        fail(
            f'sidecar.listen = "{address}" is for hookgate serve: mitmproxy listens on TCP alone; '
            "give --listen HOST:PORT"
        )
    command = command_line(settings.request.max_body, address, hookgate_addon.script.__file__)
    try:
        confdir = fallback_confdir()
    except OSError as error:
        fail(f"mitmproxy needs a folder that it can write; name one in $TMPDIR ({error.strerror})")
    options = {
        "confdir": confdir,
        "hookgate_config": find_file(config, os.environ),
        "hookgate_upstream": upstream,
        "hookgate_audit": audit,
    }
    for name, value in options.items():
        if value:
            command += ["--set", f"{name}={value}"]
    if show:
        sys.stdout.write(printable(shlex.join(command)) + "\n")
        return
    program = Path(sys.executable).with_name("mitmdump")
    found = str(program) if is_there(program) else shutil.which("mitmdump")
    if found is None:
        fail("mitmdump is not beside this Python nor on the PATH; pip install 'hookgate[addon]'")
    os.execv(found, command)  # noqa: S606  # the process is to become mitmdump
