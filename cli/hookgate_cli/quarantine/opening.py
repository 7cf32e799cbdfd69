"""The store and the identity that a verb reads with, and who runs it."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from hookgate.config.key_files import read_private
from hookgate.config.layers import gather
from hookgate.config.quarantine import read_settings
from hookgate.files import FileError
from hookgate.paths import is_folder
from hookgate.policy.event_reader import LONGEST_TEXT
from hookgate.quarantine.encryption import Identities, QuarantineKeyError, parse_identities
from hookgate.quarantine.error import StoreError
from hookgate.quarantine.store import Store
from hookgate.settings import QuarantineSettings
from hookgate_cli.common import FAILED, err, fail, plain_errors
from hookgate_cli.terminal import printable, to_json

VARIABLE = "HOOKGATE_QUARANTINE_IDENTITY"

IdentityOption = Annotated[
    Path | None,
    typer.Option(
        "--identity",
        metavar="FILE",
        help=f"The secret key, as hookgate keys new quarantine or age-keygen wrote it; else"
        f" ${VARIABLE}.",
    ),
]


class Opened(NamedTuple):
    """The store of the configuration, and what it goes by."""

    store: Store
    settings: QuarantineSettings


@contextmanager
def store_errors() -> Iterator[None]:
    """Print why the store cannot be used, and exit with 1."""
    try:
        yield
    except StoreError as error:
        denied = " (run it as root)" if "ermission denied" in str(error) else ""
        fail(f"{error}{denied}", FAILED)


def open_store(config: str | None) -> Opened:
    """Find the store of the configuration; exit with 2 where there is none."""
    with plain_errors():
        settings = read_settings(gather(config))
    if not settings.path:
        fail(
            "quarantine.path is not set, so nothing is kept; set it and quarantine.recipients in"
            " hookgate.toml, or name that file with --config"
        )
    path = Path(settings.path)
    named = f"quarantine.path = {to_json(settings.path)}"
    try:
        is_there = is_folder(path)
    except PermissionError:
        fail(f"{named} cannot be read by this user; run it as root", FAILED)
    if not is_there:
        fail(f"{named} is no folder; the gate makes it as it starts, if the one above is there")
    return Opened(make_store(settings), settings)


def make_store(settings: QuarantineSettings) -> Store:
    """Make a store that lists and releases, and keeps nothing."""
    return Store(
        Path(settings.path),
        None,
        max_items=settings.max_items,
        max_bytes=settings.max_bytes,
        max_age=settings.max_age,
    )


def find_identities(file: Path | None) -> Identities | None:
    """Read the identity that is named, by the option or the environment; None where none is.

    Exits with 2 where it cannot be used.
    """
    path = str(file) if file is not None else os.environ.get(VARIABLE, "")
    if not path:
        return None
    if find_spec("pyrage") is None:
        fail("the package pyrage is missing; install it: pip install 'hookgate[quarantine]'")
    try:
        data, warning = read_private(path)
        identities = parse_identities(data)
    except (FileError, QuarantineKeyError) as error:
        fail(f"{path} {error}")
    if warning:
        err.print(printable(f"hookgate: warning: {path} {warning}"), soft_wrap=True)
    return identities


def need_identities(file: Path | None, what: str) -> Identities:
    """As `find_identities`, of what cannot be done without."""
    identities = find_identities(file)
    if identities is None:
        fail(
            f"{what} needs the secret key that belongs to quarantine.recipients: --identity FILE,"
            f" or ${VARIABLE}"
        )
    return identities


def actor() -> str:
    """Return the login of who runs this, which nothing proves."""
    try:
        return (os.environ.get("SUDO_USER") or getpass.getuser())[:64]
    except (KeyError, OSError):  # no such user here, as in a container
        return f"uid {os.getuid()}"


def parse_reason(text: str) -> str:
    """Return why something is done, as a line of the ledger says it; exit with 2 where it is too
    long for one.
    """
    if len(text) > LONGEST_TEXT:
        fail(f"--reason has {len(text)} characters; the ledger takes {LONGEST_TEXT}")
    return text
