"""Time stamps of notes, from an authority (RFC 3161)."""

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import requests
from cryptography.x509 import Certificate
from rfc3161_client import TimestampRequestBuilder

from hookgate.direct_session import DirectSession
from hookgate.proof.folder import STAMP, path_of, write_whole
from hookgate.proof.stamp_check import StampError, stamped_at

from .destinations import WHOLE_SECONDS, Destination, shown_url

_LARGEST = 1 << 16
_STEP_SECONDS = 5.0
_TYPES = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


class Stamps:
    """An authority at a URL, whose certificates lead to one of `roots`."""

    def __init__(self, url: str, roots: Sequence[Certificate]) -> None:
        self._url, self._roots = url, roots

    def as_destination(self, folder: Path) -> Destination:
        """Have it stamp the notes that it is sent; what is kept in the folder was verified."""
        name = f"--stamp {shown_url(self._url)}"
        return Destination(name + self._url, name, partial(self._stamp, folder))

    def _stamp(self, folder: Path, boot: str, note: bytes) -> str:
        answer = _ask(self._url, TimestampRequestBuilder().data(note).build().as_bytes())
        if isinstance(answer, str):
            return answer
        try:
            stamped_at(answer, note, self._roots)
        except StampError as error:
            return str(error)
        write_whole(path_of(folder, boot, STAMP), answer)
        return ""


def _ask(url: str, query: bytes) -> bytes | str:
    said: list[bytes | str] = []
    # What a server sends a byte at a time has no bound in requests.
    thread = threading.Thread(target=lambda: said.append(_post(url, query)), daemon=True)
    thread.start()
    thread.join(WHOLE_SECONDS)
    return said[0] if said else "no answer in time"


def _post(url: str, query: bytes) -> bytes | str:
    try:
        with DirectSession() as session:
            session.trust_env = False
            with session.post(
                url,
                data=query,
                headers=_TYPES,
                timeout=_STEP_SECONDS,
                stream=True,
            ) as response:
                if response.status_code != requests.codes.ok:
                    return f"answered {response.status_code}"
                data = b""
                for part in response.iter_content(4096):
                    data += part
                    if len(data) > _LARGEST:
                        return f"answered more than {_LARGEST} bytes"
                return data
    except Exception as error:  # noqa: BLE001  # whatever it is: its text may hold the URL
        return f"cannot be reached ({type(error).__name__})"
