"""`hookgate audit receipt verify`: does a receipt hold? Without the ledger and its machine."""

from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookgate.proof.receipt import MOST_BYTES, Receipt, ReceiptError
from hookgate.times import show_time
from hookgate_cli.common import FINDING, JsonOption, fail, out, read_file
from hookgate_cli.terminal import print_json, printable

from .told import tell, without_end
from .verifiers import read_verifiers
from .wording import count_of

if TYPE_CHECKING:
    from hookgate.proof.checking import Proven

# The year 9999, from where on no time is printed.
_END = 253_370_764_800

app = typer.Typer(
    help="Check receipts, as `prove` writes them.", no_args_is_help=True, add_completion=False
)


@app.callback()
def _receipt() -> None:
    """Keeps `verify` a verb of its own."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The receipt.")],
    key: Annotated[
        list[str],
        typer.Option(
            metavar="PUB|FILE",
            help="A gate's public key (name+id+key), or a file of them, one a line; as often as"
            " needed.",
        ),
    ],
    body: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A body: is the receipt about it?")
    ] = None,
    stamp_ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Certificates (PEM) of the authority whose time stamps you trust: each note must"
            " have one.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a receipt by its file and public keys alone, and tell what it proves.

    Exits 1 if it does not hold. Get the key from the gate's owner by another way than the receipt:
    whoever makes up a receipt makes up a key too. Needs the extra: pip install 'hookgate[proof]'.

    Examples:

      hookgate audit receipt verify r.json --key gate1.pub

      hookgate audit receipt verify r.json --key gate1.pub --body event.json
    """
    require("cryptography")
    from hookgate.proof.checking import check  # noqa: PLC0415  # needs the extra

    verifiers = [verifier for each in key for verifier in read_verifiers("--key", each)]
    data, content = _read_receipt(file), read_file(body) if body is not None else None
    roots = read_file(stamp_ca) if stamp_ca is not None else None
    try:
        receipt = Receipt.parse(data)
        proven = check(receipt, verifiers)
        if content is not None and sha256(content).hexdigest() != receipt.sha256:
            mend = "name the body byte for byte as it came, or ask for the receipt of this one"
            raise ReceiptError(f"it is about another body than {body}", mend)
        stamped = _check_stamps(receipt, proven, roots)
    except ReceiptError as error:
        if as_json:
            print_json({"holds": False, "problem": str(error), "mend": error.mend})
        fail(f"{file} does not hold: {error}; {error.mend}", FINDING)
    if as_json:
        print_json(_report(receipt, proven, stamped))
    else:
        _print(receipt, proven, stamped)
        if body is not None:
            out.print(f"{printable(body)} is the body that it is about.", soft_wrap=True)
        _print_limits()


def require(package: str) -> None:
    """Exit with 2 where a package that proofs need is not installed."""
    if find_spec(package) is None:
        fail(f"the package {package} is missing; install it: pip install 'hookgate[proof]'")


def _read_receipt(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}; name the file that audit prove wrote")


def _check_stamps(
    receipt: Receipt, proven: "list[Proven]", pem: bytes | None
) -> dict[str, str | None]:
    """Return when an authority saw the note of each boot; None where that was not looked at."""
    if pem is None:
        return dict.fromkeys(receipt.stamps)
    require("rfc3161_client")
    from hookgate.proof.stamp_check import (  # noqa: PLC0415  # needs the extra
        StampError,
        read_roots,
        stamped_at,
    )

    try:
        roots = read_roots(pem)
    except StampError as error:
        fail(f"--stamp-ca: {error}; name a file of the authority's certificates")
    found: dict[str, str | None] = {}
    for each in proven:
        stamp = receipt.stamps.get(each.boot)
        if stamp is None:
            mend = "leave --stamp-ca out, or ask for one that hookgate anchor had stamped"
            raise ReceiptError(f"boot {each.boot!r} has no time stamp", mend)
        try:
            moment = stamped_at(stamp, each.note, roots)
        except StampError as error:
            mend = "name the certificates of the authority that stamped it by --stamp-ca"
            raise ReceiptError(f"boot {each.boot!r}: {error}", mend) from None
        found[each.boot] = show_time(moment.timestamp(), "seconds", utc=True)
    return found


def _report(
    receipt: Receipt, proven: "list[Proven]", stamped: dict[str, str | None]
) -> dict[str, Any]:
    boots = [
        {
            "boot": each.boot,
            "by": each.by,
            "size": each.size,
            "at_the_latest": _in_json(_when(each.time)),
            "stamped": _in_json(stamped.get(each.boot)),
            "lines": each.records,
        }
        for each in proven
    ]
    return {"holds": True, "asked": receipt.asked, "sha256": receipt.sha256, "boots": boots}


def _in_json(time: str | None) -> str | None:
    return time and time.replace(" ", "T")


def _when(time: int | None) -> str | None:
    if time is None or time >= _END:
        return None
    return show_time(time, "seconds", utc=True)


def _print(receipt: Receipt, proven: "list[Proven]", stamped: dict[str, str | None]) -> None:
    about = f"the body {receipt.sha256}" if receipt.sha256 else "a body that was not read whole"
    out.print(f"holds: {printable(receipt.asked)}, {about}", soft_wrap=True)
    for each in proven:
        own = _when(each.time)
        times = [f"{own} (by its own clock)" if own else "a time that no signature tells"]
        if each.boot in stamped:
            seen = stamped[each.boot]
            times.append(
                f"{seen} (by the time stamp)" if seen else "a time stamp that needs --stamp-ca"
            )
        lines = count_of(len(each.records), "line")
        out.print(
            f"proven: {printable(each.by)} had {lines} in its ledger, at the latest on"
            f" {', '.join(times)}, in boot {printable(each.boot)} of then {each.size:,} lines:",
            soft_wrap=True,
        )
        for record in each.records:
            out.print(f"  {tell(record)}", soft_wrap=True)
        for request_id in without_end(each.records):
            out.print(f"  (not here: how request {printable(request_id)} ended)", soft_wrap=True)
        if each.records[0]["event"] != "start":
            out.print("  (not here: its first line, which tells version and policy)")


def _print_limits() -> None:
    out.print(
        "not proven: that what was written is true, that nothing else happened, and that no other"
        " line tells of it.",
        soft_wrap=True,
    )
