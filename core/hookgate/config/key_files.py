"""The files that hold secrets: whose they are, what they hold, and how long that is."""

import re

from hookgate.files import FileError, MissingFileError, is_open_to_all, read_secret, whole_path
from hookgate.ledger.seal import split_keys
from hookgate.settings import PersonalData
from hookgate.signing.keys import MARK, SignKeysError, parse_sign_keys
from hookgate.text_file import refuse_bom
from hookgate.wording import path_in_shell

from .draft import Draft
from .error import ConfigError
from .redaction import shown, shown_path, shown_secret_path

# Bytes.
SHORTEST_SECRET = 16
_HMAC, _SEAL, _SIGN = "audit.key_file", "audit.seal_key_file", "upstream.sign_key_file"
# What `hookgate keys new` calls the keys in each.
_PURPOSES = {_HMAC: "hmac", _SEAL: "seal", _SIGN: "sign"}

# How keys begin that are no secret of the ledger's.
_PUBLIC = re.compile(rb"(?!PRIVATE\+KEY\+)\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}|age1[0-9a-z]{58}")
_OTHERS = {MARK: "to sign with", b"PRIVATE+KEY+": "of anchor, to sign notes with"}


def read_hmac_key(draft: Draft) -> bytes:
    """Read the secret that `from` and `to` are hashed with; b"" if there is none."""
    key = _read_key(_HMAC, draft)
    if draft.values["audit.personal_data"] == PersonalData.HMAC and not draft.is_set(_HMAC):
        draft.problems.append(f'{_HMAC} is missing; audit.personal_data = "hmac" needs a secret')
    return key


def read_seal_key(draft: Draft) -> bytes:
    """Read the file of the keys that seal, one a line, each long enough; b"" if there is none."""
    content = _read_key(_SEAL, draft)
    short = [key for key in split_keys(content) if len(key) < SHORTEST_SECRET]
    if short and len(content) >= SHORTEST_SECRET:
        draft.refuse_file(
            _SEAL,
            f"has a line of fewer than {SHORTEST_SECRET} bytes: "
            "each line is a key, and the first one seals",
        )
    return content


def read_seal_keys(path: str) -> tuple[bytes, ...]:
    """Read the keys in a seal key file, as the ledger is read with. Raises `ConfigError`."""
    draft = Draft({})
    draft.values[_SEAL] = path
    # That everybody may read it is said to whoever runs the gate.
    keys = split_keys(read_seal_key(draft))
    if draft.problems:
        raise ConfigError(draft.problems)
    return keys


def read_sign_keys(draft: Draft) -> tuple[bytes, ...]:
    """Read the file of the keys that sign what goes upstream, one or two; () if there is none."""
    path = draft.values[_SIGN]
    content = read_owned(_SIGN, draft) if path else None
    if content is None:
        return ()
    try:
        return parse_sign_keys(content)
    except SignKeysError as error:
        draft.refuse_file(_SIGN, f"{error}; {error.mend or _offer_another(_SIGN, path)}")
        return ()


def read_owned(where: str, draft: Draft) -> bytes | None:
    """Read a file that only its owner may write; None, and a problem, if it cannot be."""
    path = draft.values[where]
    try:
        data, warning = read_private(path)
    except FileError as error:
        named = shown_secret_path(path)
        mend = ""
        if where in _PURPOSES and isinstance(error, MissingFileError) and named == shown(path):
            mend = f"; make it with: {_command(where, path)}"
        draft.problems.append(f"{where} = {named} {error}{mend}")
        return None
    if warning:
        draft.warn_of_file(where, warning)
    return data


def read_private(path: str) -> tuple[bytes, str]:
    """Read a file that only its owner may write, and a warning where others can read it, or "".

    Raises `FileError`.
    """
    data, mode = read_secret(path)
    refuse_bom(data)
    readable = f"can be read by everybody on this machine; chmod o= {path_in_shell(path)}"
    return data, readable if is_open_to_all(mode) else ""


def _read_key(where: str, draft: Draft) -> bytes:
    path = draft.values[where]
    data = read_owned(where, draft) if path else None
    if data is None:
        return b""
    secret = data.strip()
    if len(secret) < SHORTEST_SECRET:
        draft.refuse_file(
            where,
            f"holds fewer than {SHORTEST_SECRET} bytes; "
            f"make one with: openssl rand -hex 32 > {path_in_shell(path)}",
        )
    lines = [line.strip() for line in secret.splitlines()]
    for mark, what in _OTHERS.items():
        if any(line.startswith(mark) for line in lines):
            draft.refuse_file(
                where,
                f"holds a key {what} (it begins with {mark.decode()}); "
                f"{_offer_another(where, path)}",
            )
    if any(map(_PUBLIC.fullmatch, lines)):
        draft.refuse_file(
            where, f"holds a public key, which is no secret; {_offer_another(where, path)}"
        )
    return secret


def _offer_another(where: str, path: str) -> str:
    # `keys new` overwrites none.
    other = f"{path}.{_PURPOSES[where]}"
    return f"set it to {shown_path(other)}, made with: {_command(where, other)}"


def _command(where: str, path: str) -> str:
    # Where the path was looked for: the key is needed there.
    return f"hookgate keys new {_PURPOSES[where]} {path_in_shell(whole_path(path))}"
