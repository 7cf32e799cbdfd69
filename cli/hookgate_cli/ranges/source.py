"""Getting what a network announces: from RIPEstat, another URL, or a file."""

from functools import partial

import requests

from hookgate.config.redaction import redact_url, shown_path
from hookgate.direct_session import DirectSession
from hookgate.files import LARGEST, FileError, read_file
from hookgate_cli.deadline import OverdueError, within

# RIPE NCC's RIPEstat Data API, Announced Prefixes 1.2: no key is needed.
RIPESTAT = "https://stat.ripe.net/data/announced-prefixes/data.json?resource=AS15447"
# To connect, and between two reads; and for all of it, name server and handshake included.
STEP_SECONDS, WHOLE_SECONDS = 10.0, 30.0
_PART = 64 * 1024
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "hookgate"}
_OK = 200


class SourceError(Exception):
    """What was to be read cannot be; the message says why, and quotes nothing of it."""


def is_url(source: str) -> bool:
    """Tell whether a source is to be asked for, rather than read."""
    return source.lower().startswith(("http://", "https://"))


def name_of(source: str) -> str:
    """Name a source as messages may show it."""
    if source == RIPESTAT:
        return "RIPEstat"
    return redact_url(source) if "://" in source else shown_path(source)


def read(source: str, seconds: float = WHOLE_SECONDS) -> bytes:
    """Return what the source holds, of at most `LARGEST` bytes, within so many seconds.

    Raises `SourceError`.
    """
    if not is_url(source):
        scheme, separator, _ = source.partition("://")
        if separator and scheme.isalnum():
            raise SourceError(
                "is a URL that cannot be asked; write one of https or http, or a file"
            )
        try:
            return read_file(source).data
        except FileError as error:
            raise SourceError(str(error)) from None
    try:
        return within(seconds, partial(_get, source))
    except OverdueError:
        raise SourceError(f"did not answer whole within {seconds:g} seconds") from None
    except SourceError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is: its text may hold the URL
        raise SourceError(_why(error)) from None


def _get(url: str) -> bytes:
    with DirectSession() as session:
        # A proxy of the environment may be needed, and a password of ~/.netrc is nobody's business.
        session.auth = _unauthorised
        with session.get(url, headers=_HEADERS, timeout=STEP_SECONDS, stream=True) as response:
            if response.status_code != _OK:
                raise SourceError(f"answered {response.status_code}, and not 200")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise SourceError("answered with a compressed body, which was not asked for")
            data = b""
            for part in response.iter_content(_PART):
                data += part
                if len(data) > LARGEST:
                    raise SourceError("answered with more than 1 MiB")
            return data


def _unauthorised(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _why(error: Exception) -> str:
    match error:
        case requests.exceptions.SSLError():
            return "has no certificate that is trusted here, or speaks no TLS"
        case requests.exceptions.ConnectTimeout():
            return f"could not be connected to within {STEP_SECONDS:g} seconds"
        case requests.exceptions.Timeout():
            return f"was silent for {STEP_SECONDS:g} seconds"
        case requests.exceptions.InvalidURL() | requests.exceptions.MissingSchema() | ValueError():
            return "is no URL that can be asked for"
        case requests.exceptions.ConnectionError() | requests.exceptions.ChunkedEncodingError():
            return "could not be reached, or broke off"
    return f"could not be read ({type(error).__name__})"
