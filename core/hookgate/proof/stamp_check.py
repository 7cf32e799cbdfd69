"""Time stamps over notes (RFC 3161): when an authority saw what was signed."""

from collections.abc import Sequence
from datetime import datetime

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response


class StampError(ValueError):
    """Why a stamp proves no time."""


def read_roots(pem: bytes) -> list[Certificate]:
    """Read the certificates of authorities that are trusted. Raises `StampError`."""
    try:
        return load_pem_x509_certificates(pem)
    except ValueError:
        raise StampError("it holds no certificate in PEM, or a broken one") from None


def stamped_at(stamp: bytes, note: bytes, roots: Sequence[Certificate]) -> datetime:
    """Return when an authority saw the note at the latest. Raises `StampError`.

    Certificates have to be valid then, and not now.
    """
    try:
        response = decode_timestamp_response(stamp)
        VerifierBuilder(roots=list(roots)).build().verify_message(response, note)
        return response.tst_info.gen_time
    except (ValueError, VerificationError) as error:
        first = str(error).partition("\n")[0]
        raise StampError(f"its stamp is not one of this authority over its note: {first}") from None
