"""The certificates that a configuration names: readable, what they are said to be, and valid."""

import ssl
from collections.abc import Iterator
from typing import NamedTuple

from hookgate.certificate_dates import Validity, read_validities
from hookgate.files import FileError, read_file
from hookgate.settings import Config
from hookgate.text_file import refuse_bom
from hookgate.tls import add_ca, add_certificate, server_context

from .draft import Draft
from .key_files import read_owned
from .redaction import shown_path

SOON_SECONDS = 14 * 86_400.0
_CHAINS = ("sidecar.tls_cert", "upstream.client_cert")
CERTIFICATES = (*_CHAINS, "sidecar.tls_client_ca", "upstream.ca_file")


class Aging(NamedTuple):
    """What a key names and is not valid, or not for much longer."""

    says: str
    is_valid: bool


def find_aging(config: Config, now: float) -> Iterator[Aging]:
    """Find the certificates that are not valid at a time, or not for `SOON_SECONDS` more."""
    for key in CERTIFICATES:
        section, _, name = key.partition(".")
        path = getattr(getattr(config, section), name)
        if not path:
            continue
        try:
            validity = read_validity(key, path)
        except FileError:  # told by who builds the configuration
            continue
        if fault := validity.fault(now, SOON_SECONDS):
            says = f"{key} = {shown_path(path)} {fault} ({validity})"
            yield Aging(says, validity.holds(now))


def read_validity(key: str, path: str) -> Validity:
    """Read when what a key names is valid: a chain while all of it is, authorities while one is.

    Raises `FileError`.
    """
    begins, ends = zip(*read_validities(path), strict=True)
    return Validity(max(begins), min(ends)) if key in _CHAINS else Validity(min(begins), max(ends))


def check_upstream_certificates(draft: Draft) -> None:
    """Load the endpoint's CA and the client certificate, as a connection to it will."""
    ca_file, cert, key = (
        draft.values[f"upstream.{name}"] for name in ("ca_file", "client_cert", "client_key")
    )
    if not _are_readable(
        ("upstream.ca_file", "upstream.client_cert", "upstream.client_key"),
        "upstream.client_key" if key else "upstream.client_cert",
        draft,
    ):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if ca_file:
            add_ca(context, ca_file)
    except ValueError as error:
        draft.refuse_file("upstream.ca_file", error)
    try:
        if cert:
            add_certificate(context, cert, key)
    except ValueError as error:
        draft.refuse_file("upstream.client_cert", error)


def check_listener_certificates(draft: Draft) -> None:
    """Load the listener's certificate and the CA of senders, as the listener will."""
    cert, key, client_ca = (
        draft.values[f"sidecar.tls_{name}"] for name in ("cert", "key", "client_ca")
    )
    if (key or client_ca) and not draft.is_set("sidecar.tls_cert"):
        draft.problems.append(
            "sidecar.tls_cert is missing; tls_key and tls_client_ca need it: write the path of the "
            'listener\'s certificate chain, like "/etc/hookgate/tls.crt"'
        )
    elif cert and _are_readable(
        ("sidecar.tls_cert", "sidecar.tls_key", "sidecar.tls_client_ca"),
        "sidecar.tls_key" if key else "sidecar.tls_cert",
        draft,
    ):
        try:
            server_context(cert, key, client_ca)
        except ValueError as error:
            draft.problems.append(f"sidecar.tls_{error}")


def _are_readable(files: tuple[str, ...], secret: str, draft: Draft) -> bool:
    """Whether those that are set can be read, and the `secret` one is its owner's to write."""
    before = len(draft.problems)
    for where in files:
        path = draft.values[where]
        if path and where == secret:
            read_owned(where, draft)
        elif path:
            try:
                refuse_bom(read_file(path).data)
            except FileError as error:
                draft.refuse_file(where, error)
    return len(draft.problems) == before
