"""Time stamps of notes, from an authority (RFC 3161)."""

from collections.abc import Sequence
from pathlib import Path

from cryptography.x509 import Certificate
from rfc3161_client import TimestampRequestBuilder

from hookgate.config.redaction import redact_url
from hookgate.files import replace_file
from hookgate.proof.folder import STAMP, path_of
from hookgate.proof.stamp_check import StampError, stamped_at

from .destinations import Destination
from .posting import post


class Stamps:
    """An authority at a URL, whose certificates lead to one of `roots`."""

    def __init__(self, url: str, roots: Sequence[Certificate]) -> None:
        self._url, self._roots = url, roots

    def as_destination(self) -> Destination:
        """Have it stamp the notes that it is sent; what is kept of that was verified."""
        name = f"--stamp {redact_url(self._url)}"
        return Destination(name + self._url, name, self._stamp)

    def _stamp(self, folder: Path, boot: str, note: bytes) -> str:
        query = TimestampRequestBuilder().data(note).build().as_bytes()
        answer = post(self._url, query, "application/timestamp-query")
        if isinstance(answer, str):
            return answer
        try:
            stamped_at(answer, note, self._roots)
        except StampError as error:
            return str(error)
        replace_file(path_of(folder, boot, STAMP), answer)
        return ""
