"""`hookgate send`: the shipped samples, fired at a running gate."""

import errno
import socket
from http import HTTPStatus
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import requests
import typer
from rich.table import Table
from rich.text import Text

from hookgate.config.contracts import DEFAULT_CONTRACT, load_rules
from hookgate.networks.addresses import parse_address
from hookgate.policy import Reason, parse_rules
from hookgate.samples import CONTRACTS
from hookgate.settings import AnswerMode
from hookgate.signing.schemes import SCHEMES
from hookgate.wording import offer

from .common import FINDING, JsonOption, fail, out
from .completing import one_of
from .firing import fire
from .samples import Sample, clean, hostile
from .send_headers import add_headers, read_headers
from .send_hints import (
    common_failure,
    common_refusal,
    of_path,
    of_sender,
    of_signature,
    own_address,
    print_hint,
    reason_in,
)
from .signed_samples import read_signing, sign, unsigned
from .terminal import print_json, printable

# A connection that never came to be, whatever was to be sent on it.
_NO_CONNECTION = frozenset(
    (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL)
)


def send(
    url: Annotated[str, typer.Argument(help="Where to send, with the path of a route.")],
    contract: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"Samples of: {', '.join(CONTRACTS)}.",
            autocompletion=one_of(CONTRACTS),
        ),
    ] = DEFAULT_CONTRACT,
    only_clean: Annotated[bool, typer.Option("--clean", help="Only what must pass.")] = False,
    only_hostile: Annotated[bool, typer.Option("--hostile", help="Only what must not.")] = False,
    only: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only samples whose name holds this.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="ADDRESS", help="Local address to send from.")
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            "-H",
            metavar="LINE",
            help="Also sent with each, as 'X-Forwarded-For: 31.169.56.1'; as often as needed.",
        ),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            "--secret-file",
            metavar="FILE",
            help="Sign with the first secret of this file, as route.signature.secret_file is.",
        ),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            "--scheme",
            metavar="NAME",
            help=f"How, as route.signature.scheme: {', '.join(SCHEMES)}.",
            autocompletion=one_of(SCHEMES),
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fire the shipped samples at a running gate and compare the answers.

    The sender must be allowed there, and the route be one of the contract that --contract names. To
    a gate that takes this machine for a proxy, name the sender as that proxy does, with --header.
    Clean samples reach the endpoint behind the gate. A route that asks for a signature refuses all
    that is not signed: give --scheme and --secret-file. Exits 1 if any answer is not as it should
    be.

    With --json, `expected` and `expected_reason` are what should come, `status` and
    `answered_reason` what came; the latter is null where an answer names none.

    Examples:

      hookgate send http://127.0.0.1:8081/cm/events

      hookgate send http://127.0.0.1:8081/cm/messages --contract cm-messages

      hookgate send http://127.0.0.1:8081 -H 'X-Forwarded-For: 31.169.56.1'

      hookgate send http://127.0.0.1:8081 --scheme github --secret-file a.secret

      hookgate send --hostile https://hooks.example.com/cm/events --json
    """
    if contract not in CONTRACTS:
        fail(f'--contract "{contract}" has no samples; {offer(contract, CONTRACTS)}')
    wanted = [] if only_hostile and not only_clean else [*clean(contract)]
    with_hostile = only_hostile or not only_clean
    wanted += hostile(contract) if with_hostile else []
    if (scheme is None) is not (secret_file is None):
        fail("--scheme and --secret-file go together, as in [route.signature]; give both")
    signing = read_signing(scheme, secret_file) if scheme and secret_file else None
    if signing is not None and with_hostile:
        wanted += unsigned(clean(contract)[0])
    headers = read_headers(header or ())
    wanted = [add_headers(sample, headers) for sample in wanted]
    samples = [sample for sample in wanted if only is None or only in sample.name]
    if not samples:
        fail(f'no sample has "{only}" in its name')
    host, port = _address(url)
    if source is not None and parse_address(source) is None:
        fail(f'--from "{source}" is no IP address')
    relays = parse_rules(load_rules(contract)).answer is AnswerMode.RELAY
    rows: list[dict[str, object]] = []
    for sample in samples:
        sent = sample if signing is None else sign(sample, *signing)
        row, error = _one(sent, url, source, relays=relays)
        if error is not None and not rows and not as_json and _is_unconnected(error):
            root = _root(error)
            if source is not None and getattr(root, "errno", None) == errno.EADDRNOTAVAIL:
                fail(f"--from {source} is no address of this machine")
            why = getattr(root, "strerror", None) or "it does not answer"
            fail(f"{host}:{port} cannot be reached: {why}; is the gate running there?", FINDING)
        rows.append(row)
    refusal = common_refusal(rows)
    if as_json:
        print_json(rows, indent=2)
    else:
        _show(rows, refusal)
    if refusal == HTTPStatus.FORBIDDEN:
        print_hint(rows, refusal, of_sender(source or own_address(host, port), headers))
    elif refusal == HTTPStatus.NOT_FOUND:
        print_hint(rows, refusal, of_path(urlsplit(url).path or "/"))
    elif refusal == HTTPStatus.UNAUTHORIZED:
        print_hint(rows, refusal, of_signature(is_signed=signing is not None))
    elif (failure := common_failure(rows)) is not None:
        print_hint(rows, failure.status, failure.says)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(FINDING)


def _address(url: str) -> tuple[str, int]:
    """Return the host and the port of a URL; exit with 2 where it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        port = None
    if port is None or not parts.hostname:
        fail(f'"{url}" is no http or https URL; write it like http://127.0.0.1:8081/cm/events')
    return parts.hostname, port


def _one(
    sample: Sample, url: str, source: str | None, *, relays: bool
) -> tuple[dict[str, object], OSError | ValueError | None]:
    """Send a sample; return its row of the table, and the error if there was one.

    `relays` says that what passes is answered as the endpoint answers: by any 2xx.
    """
    any_success = relays and sample.reason is Reason.CLEAN
    row: dict[str, object] = {
        "sample": sample.name,
        "expected": "2xx" if any_success else sample.reason.status,
        "expected_reason": sample.reason.code,
        "status": None,
        "answered_reason": None,
        "error": None,
    }
    met: OSError | ValueError | None = None
    status = None
    try:
        answer = fire(sample, url, source)
        status = answer.status
        row["status"], row["answered_reason"] = status, reason_in(answer.body)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        met = error
        root = _root(error)
        why = getattr(root, "strerror", None) or root
        row["error"] = f"{type(root).__name__}: {why}"
    row["ok"] = status is not None and (
        status // 100 == 2 if any_success else status == sample.reason.status
    )
    return row, met


def _root(error: BaseException) -> BaseException:
    """Return the system's error that caused this one, else this one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause
        cause = cause.__cause__ or cause.__context__
    return error


def _is_unconnected(error: Exception) -> bool:
    root = _root(error)
    return (
        getattr(root, "errno", None) in _NO_CONNECTION
        or isinstance(root, socket.gaierror)
        or isinstance(error, requests.ConnectTimeout)
    )


def _show(rows: list[dict[str, object]], refusal: int | None) -> None:
    # Of those that are refused alike a row each says nothing.
    shown = [row for row in rows if row["status"] != refusal]
    # In one cell: of those with a long name the end is short.
    table = Table("status", "", "sample: how it must end", box=None, padding=(0, 2, 0, 0))
    for row in shown:
        verdict = Text("ok", "green") if row["ok"] else Text(f"expected {row['expected']}", "red")
        status = printable(row["status"] or row["error"])
        table.add_row(status, verdict, f"{row['sample']}: {row['expected_reason']}")
    if shown:
        out.print(table)
    wrong = sum(not row["ok"] for row in rows)
    out.print(f"{len(rows)} sent, {len(rows) - wrong} as expected, {wrong} not")
