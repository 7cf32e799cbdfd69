"""`hookgate live`: the page that shows what happens at gates, as it happens."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

if find_spec("starlette") is None or find_spec("uvicorn") is None:
    raise ImportError("starlette or uvicorn is missing: pip install 'hookgate[live]'")

from hookgate.log import make_log
from hookgate_cli.common import ConfigOption, plain_errors
from hookgate_cli.gate_sources import GatesOptions, choose, place_of_gates
from hookgate_cli.option_groups import grouped
from hookgate_cli.poller import Poller
from hookgate_sidecar.sockets import listen as listen_on

from .places import read_listen, read_token
from .serving import serve

_LISTEN = "127.0.0.1:9190"


@grouped
def live(
    *,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", metavar="FILE", help="What is shown to see the page: keys new token."
        ),
    ] = None,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where the page is.")
    ] = _LISTEN,
    gates: GatesOptions,
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            metavar="NAME",
            help="A name that the page goes by beside addresses and localhost, as often as needed.",
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="PEM, the whole chain.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="PEM; else in --tls-cert.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Serve a page that shows gates as they are: what is wrong, what comes, what is not delivered.

    It is a process of its own that asks each gate's admin listener once a second, or follows its
    ledger: no event waits for it. It only reads. Who opens the page shows the token once.

    With --fleet it shows what the store of a fleet receives of its gates, and asks none of them.

    Examples:

      hookgate keys new token live.token

      hookgate live --token-file live.token

      hookgate live --token-file live.token --gate http://10.0.0.1:9180

      hookgate live --token-file live.token --fleet --dsn-file reader.dsn
    """
    with plain_errors():
        token = read_token(token_file)
        address, tls = read_listen(listen, tls_cert, tls_key)
        poller = Poller(choose(gates, config), lambda: None, place_of_gates(gates, config))
        sockets = listen_on("--listen", address, 0)
        serve(sockets, token, poller, names=host or (), tls=tls, log=make_log())
