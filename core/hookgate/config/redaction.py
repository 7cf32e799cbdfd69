"""Values of a configuration as messages may show them: never a password, a token or a key."""

import json
import re
from typing import Any

_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----")
# A key to sign with, as Standard Webhooks writes it.
_SIGN_KEY = re.compile(r"whsec_[A-Za-z0-9+/]{24}")
_AGE_KEY = re.compile("AGE-SECRET-KEY-", re.IGNORECASE)
# A scheme, what stands before the last "@", a host and its port; all after that is hidden.
_URL = re.compile(
    r"(?P<scheme>https?:/*|[A-Za-z][A-Za-z0-9+.-]*://)?(?P<user>.*@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]*\]|[^\[\]/\\?#:@;\s]*)(?P<port>:[0-9]{1,5}(?=[/?#]|\Z))?(?P<rest>.*)",
    re.DOTALL | re.IGNORECASE,
)
# As `openssl rand` makes them, in hex or base64.
_SECRET = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_HIDDEN = "***"


def redact_url(text: str) -> str:
    """Return a URL, or what was meant as one, without user, password, path, query and fragment."""
    match = _URL.fullmatch(text)
    if match is None:
        return _HIDDEN
    scheme, user = match["scheme"] or "", match["user"] or ""
    if set("/?#\\") & set(user):
        return scheme + _HIDDEN  # a password with a slash, or an "@" in a path: who knows
    rest = "" if match["rest"] in ("", "/") else _HIDDEN
    return f"{scheme}{user and f'{_HIDDEN}@'}{match['host']}{match['port'] or ''}{rest}"


def shown(value: Any) -> str:
    """Write a value as TOML or JSON would write it, made safe to be shown."""
    return json.dumps(_redact(value), default=str).replace("\x7f", r"\u007f")


def shown_path(path: str) -> str:
    """Write the path of a file; hides what looks like its content, pasted in its place."""
    if _PEM.search(path):
        return f"{_HIDDEN} (PEM text, where the path of a file belongs)"
    if _AGE_KEY.search(path):
        return f"{_HIDDEN} (a secret key, where the path of a file belongs)"
    if _SIGN_KEY.search(path):
        return f"{_HIDDEN} (a key to sign with, where the path of a file belongs)"
    return shown(path)


def shown_secret_path(path: str) -> str:
    """Write, as `shown_path`, that of a file that holds a secret."""
    parts = [path, *path.split("/")]
    if not path.startswith("/") and any(map(_SECRET.fullmatch, parts)):
        return f"{_HIDDEN} (what looks like a secret, where the path of a file belongs)"
    return shown_path(path)


def redact_secret_path(path: str) -> str:
    """Return, as `shown_secret_path` shows it, the path of a file that holds a secret."""
    told = shown_secret_path(path)
    return str(json.loads(told)) if told.startswith('"') else _HIDDEN


def _redact(value: Any) -> Any:
    if isinstance(value, str):
        if _PEM.search(value):
            return f"{_HIDDEN} (PEM text)"
        if _AGE_KEY.search(value):
            return f"{_HIDDEN} (a secret key)"
        if _SIGN_KEY.search(value):
            return f"{_HIDDEN} (a key to sign with)"
        return redact_url(value) if "://" in value or "@" in value else value
    if isinstance(value, dict):
        return {name: _redact(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redact(item) for item in value]
    return value
