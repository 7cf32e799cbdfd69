"""Samples as a sender signs them, for a route that asks for a signature."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hookgate.config.key_files import read_private
from hookgate.policy import Reason
from hookgate.signing.schemes import SCHEMES, Scheme
from hookgate.signing.secrets import split_secrets
from hookgate.signing.sign import sign_fields
from hookgate.wording import offer

from .common import err, fail
from .samples import Sample
from .terminal import printable


def read_signing(scheme: str, file: Path) -> tuple[Scheme, bytes]:
    """Read how a route's events are signed, and the first secret of a file; exit with 2."""
    if scheme not in SCHEMES:
        fail(f'--scheme "{scheme}" is none; {offer(scheme, SCHEMES)}')
    found = SCHEMES[scheme]
    try:
        data, warning = read_private(str(file))
        secret, *_ = split_secrets(data, found)
    except ValueError as error:  # a FileError, too
        fail(f"--secret-file {file} {error}")
    if warning:
        err.print(printable(f"hookgate: warning: --secret-file {file} {warning}"), soft_wrap=True)
    return found, secret


def unsigned(clean: Sample) -> Iterator[Sample]:
    """Yield what a route that asks for a signature must refuse, of what it takes signed."""
    yield replace(clean, name="no signature", reason=Reason.SIGNATURE_MISSING)
    yield replace(clean, name="signed with another secret", reason=Reason.SIGNATURE_INVALID)


def sign(sample: Sample, scheme: Scheme, secret: bytes) -> Sample:
    """Sign a sample as it is about to be sent; broken HTTP is left as it is."""
    if sample.raw or sample.reason is Reason.SIGNATURE_MISSING:
        return sample
    if sample.reason is Reason.SIGNATURE_INVALID:
        secret = secrets.token_bytes(len(secret))
    identity = f"msg_{secrets.token_hex(8)}"
    fields = sign_fields(scheme, secret, identity, time.time(), sample.body)
    return replace(sample, headers={**sample.headers, **fields})
