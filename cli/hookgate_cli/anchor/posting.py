"""One POST to a configured URL, with an end in any case; what is told of it holds no URL."""

from functools import partial

import requests

from hookgate import __version__
from hookgate.direct_session import DirectSession
from hookgate_cli.deadline import OverdueError, within

# To connect, and between two reads; and for all of it.
_STEP_SECONDS, WHOLE_SECONDS = 5.0, 20.0
_LARGEST = 1 << 16


def post(url: str, data: bytes, media_type: str) -> bytes | str:
    """Return the body of a 2xx answer, of at most 64 KiB; or why there is none, in words."""
    try:
        return within(WHOLE_SECONDS, partial(_post, url, data, media_type))
    except OverdueError:
        return "no answer in time"


def _post(url: str, data: bytes, media_type: str) -> bytes | str:
    fields = {"Content-Type": media_type, "User-Agent": f"hookgate/{__version__}"}
    try:
        with DirectSession() as session:
            session.trust_env = False  # neither proxies nor .netrc of whoever started us
            with session.post(
                url, data=data, headers=fields, timeout=_STEP_SECONDS, stream=True
            ) as response:
                status, body = response.status_code, b""
                if not 200 <= status < 300:
                    is_redirect = ", a redirect, which is not followed" if status < 400 else ""
                    return f"answered {status}{is_redirect}"
                for part in response.iter_content(4096):
                    body += part
                    if len(body) > _LARGEST:
                        return f"answered more than {_LARGEST} bytes"
                return body
    except requests.Timeout:
        return "no answer in time"
    except requests.exceptions.SSLError:
        return "its certificate is not trusted"
    except Exception as error:  # noqa: BLE001  # whatever it is: its text may hold the URL
        return f"cannot be reached ({type(error).__name__})"
