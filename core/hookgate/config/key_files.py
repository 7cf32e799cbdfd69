"""The files that hold secrets: whose they are, what they hold, and how long that is."""

from shlex import quote

from hookgate.files import FileError, is_open_to_all, read_secret
from hookgate.ledger.seal import split_keys
from hookgate.settings import PersonalData
from hookgate.text_file import refuse_bom

from .draft import Draft
from .error import ConfigError
from .redaction import shown_path, shown_secret_path

# Bytes.
SHORTEST_SECRET = 16
_SIGNING = b"whsec_"  # how Standard Webhooks marks a key to sign with
_HMAC, _SEAL = "audit.key_file", "audit.seal_key_file"


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


def read_owned(where: str, draft: Draft) -> bytes | None:
    """Read a file that only its owner may write; None, and a problem, if it cannot be."""
    path = draft.values[where]
    try:
        data, mode = read_secret(path)
        refuse_bom(data)
    except FileError as error:
        draft.problems.append(f"{where} = {shown_secret_path(path)} {error}")
        return None
    if is_open_to_all(mode):
        draft.warn_of_file(
            where, f"can be read by everybody on this machine; chmod o= {quote(path)}"
        )
    return data


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
            f"make one with: openssl rand -hex 32 > {quote(path)}",
        )
    if any(line.strip().startswith(_SIGNING) for line in secret.splitlines()):
        purpose = "seal" if where == _SEAL else "hmac"
        other = f"{path}.{purpose}"
        draft.refuse_file(
            where,
            f"holds a key to sign with (it begins with {_SIGNING.decode()}); set it to "
            f"{shown_path(other)}, made with: hookgate keys new {purpose} {quote(other)}",
        )
    return secret
