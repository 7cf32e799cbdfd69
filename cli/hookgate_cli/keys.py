"""`hookgate keys`: make the keys that hookgate reads."""

import base64
import os
import secrets
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hookgate.quarantine.encryption import QuarantineKeyError, make_identity
from hookgate.wording import path_in_shell

from .common import FAILED, fail, out
from .terminal import printable, to_json

app = typer.Typer(
    help="Make the keys that hookgate reads.", no_args_is_help=True, add_completion=False
)

_BYTES = 32


class Purpose(StrEnum):
    """What a key is for."""

    SEAL = "seal"
    HMAC = "hmac"
    SIGN = "sign"
    QUARANTINE = "quarantine"
    ANCHOR = "anchor"
    TOKEN = "token"  # noqa: S105  # what it is called


# In hookgate.toml; a key to sign notes with, and the page's token, are none of the gate's.
_USES = {
    Purpose.SEAL: "[audit]:\nseal_key_file = {file}",
    Purpose.HMAC: '[audit]:\npersonal_data = "hmac"\nkey_file = {file}',
    Purpose.SIGN: "[upstream]:\nsign_key_file = {file}",
    Purpose.QUARANTINE: (
        '[quarantine]:\npath = "/var/lib/hookgate/quarantine"\nrecipients = [{public}]'
    ),
}


@app.callback()
def _keys() -> None:
    """Keeps `new` a verb of its own."""


@app.command()
def new(
    purpose: Annotated[
        Purpose,
        typer.Argument(
            help="seal: of the ledger's lines. hmac: of phone numbers in it. sign: of what goes to"
            " the endpoint, as Standard Webhooks writes it. quarantine: of what is kept there, as"
            " age-keygen writes it. anchor: of notes that others check the ledger by. token: to see"
            " the page of hookgate live."
        ),
    ],
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of an anchor key: whose it is, as a URL without its scheme, like"
            " gate1.example.com/hookgate.",
        ),
    ] = None,
) -> None:
    """Write a new random key of 256 bits to a file that only you can read.

    To change a seal key, put the new one above the old one in the same file and start hookgate
    again: the first line seals, and the others still prove what they sealed.

    To change a key to sign with, put the new one above the old one and reload hookgate (SIGHUP):
    both sign. Give the endpoint the new one, then take the old line out and reload again.

    Examples:

      hookgate keys new seal /etc/hookgate/seal.key

      hookgate keys new hmac /etc/hookgate/hmac.key

      hookgate keys new sign /etc/hookgate/sign.key

      hookgate keys new quarantine /root/quarantine.key

      hookgate keys new anchor anchor.key --name gate1.example.com/hookgate

      hookgate keys new token live.token
    """
    if (purpose is Purpose.ANCHOR) is not (name is not None):
        fail("--name is for anchor keys, and each has one: --name gate1.example.com/hookgate")
    try:
        content, public = make_key(purpose, name or "")
    except (QuarantineKeyError, AnchorKeyError) as error:
        fail(str(error), FAILED)
    if purpose is Purpose.ANCHOR:
        _write_new(file.with_name(f"{file.name}.pub"), f"{public}\n", 0o644)
    _write_new(file, content, 0o600)
    if purpose is Purpose.TOKEN:
        out.print(f"{printable(file)} holds a new token; whoever has it sees the page.")
        out.print(f"Then: hookgate live --token-file {path_in_shell(file)}", soft_wrap=True)
        return
    out.print(f"{printable(file)} holds a new key; keep a copy apart from the ledgers.")
    if purpose is Purpose.QUARANTINE:
        out.print(
            "Whoever has this file reads everything that is kept: move it to another machine, or"
            " have it belong to another user than the gate's. The gate needs the public key alone:"
            f" {public}",
            soft_wrap=True,
        )
    if purpose is Purpose.ANCHOR:
        out.print(
            "Whoever has this file can sign another ledger as this gate's: it belongs to another"
            f" user than the gate's. Publish what is in {printable(file)}.pub: {public}",
            soft_wrap=True,
        )
        out.print(
            f"Then: hookgate anchor --key {path_in_shell(file)} --folder FOLDER", soft_wrap=True
        )
        return
    if purpose is Purpose.SEAL:
        out.print(
            "With the first key give audit.path a new name too: no key proves the lines before it.",
            soft_wrap=True,
        )
    if purpose is Purpose.SIGN:
        out.print("The endpoint needs the same line, to verify with: docs/signing.md.")
    # The gate may run in another folder, as under systemd.
    use = _USES[purpose].format(file=to_json(str(file.absolute())), public=to_json(public))
    out.print(f"In hookgate.toml, below {use}", soft_wrap=True)


class AnchorKeyError(ValueError):
    """Why no key to sign notes with can be made."""


def make_key(purpose: Purpose, name: str = "") -> tuple[str, str]:
    """Make a random key of 256 bits as its file holds it, and the public key, "" without one.

    It is hexadecimal; to sign, `whsec_` and base64, as Standard Webhooks writes it; of the
    quarantine, an identity file of age; to sign notes, as Go's sumdb/note writes it, with a name.
    Raises `QuarantineKeyError` and `AnchorKeyError`.
    """
    if purpose is Purpose.ANCHOR:
        return _make_anchor(name)
    if purpose is Purpose.QUARANTINE:
        return make_identity()
    key = secrets.token_bytes(_BYTES)
    text = "whsec_" + base64.b64encode(key).decode() if purpose is Purpose.SIGN else key.hex()
    return text + "\n", ""


def _make_anchor(name: str) -> tuple[str, str]:
    try:
        from hookgate.proof.note import NoteError, Signer  # noqa: PLC0415  # needs the extra
    except ImportError:
        raise AnchorKeyError("this needs: pip install 'hookgate[proof]'") from None
    try:
        signer = Signer.make(name)
    except NoteError as error:
        raise AnchorKeyError(f"--name {name}: {error}") from None
    return signer.reveal() + "\n", str(signer.verifier)


def _write_new(file: Path, content: str, mode: int) -> None:
    """Write a file that is not there. Exits with 2 where it is, with 1 where it cannot be."""
    try:
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        fail(f"{file} is there already, and a key that is overwritten is lost; name another file")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}", FAILED)
    with os.fdopen(fd, "w", encoding="utf-8") as stream:
        stream.write(content)
