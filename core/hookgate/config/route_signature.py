"""The `[route.signature]` table: how a route's events are signed, and with which secrets."""

from typing import Any

from hookgate.files import AbsentFileError
from hookgate.settings import SignatureSettings
from hookgate.signing.schemes import SCHEMES
from hookgate.signing.secrets import split_secrets

from .key_files import read_private
from .keys import SIGNATURE_KEYS
from .redaction import shown, shown_secret_path
from .tables import parse_table

_DEFAULT_TOLERANCE = "5m"


def read_signature(
    where: str, given: Any, problems: list[str], warnings: list[str]
) -> SignatureSettings | None:
    """Check a route's signature and read its secrets; None, and problems, if it cannot be used.

    `where` is what the table's name is put behind. Warns of a secret that everybody may read.
    """
    if not isinstance(given, dict):
        problems.append(f"{where}signature is a table; write [route.signature] and its keys below")
        return None
    where = f"{where}signature."
    before = len(problems)
    whole = {"tolerance": _DEFAULT_TOLERANCE, **given}
    values = parse_table(SIGNATURE_KEYS, whole, where, problems)
    for name, example in (
        ("scheme", "standard-webhooks"),
        ("secret_file", "/etc/hookgate/x.secret"),
    ):
        if not given.get(name):
            problems.append(f'{where}{name} is missing; write it like "{example}"')
    if len(problems) > before:
        return None
    scheme = SCHEMES[values["scheme"]]
    if scheme.time_field is None and "tolerance" in given:
        problems.append(f"{where}tolerance is of no use: {scheme.name} signs no time; leave it out")
    secrets = _read(f"{where}secret_file", values["secret_file"], scheme.name, problems, warnings)
    return SignatureSettings(scheme.name, secrets, values["tolerance"])


def _read(
    where: str, path: str, scheme: str, problems: list[str], warnings: list[str]
) -> tuple[bytes, ...]:
    named = f"{where} = {shown_secret_path(path)}"
    try:
        data, warning = read_private(path)
        secrets = split_secrets(data, SCHEMES[scheme])
    except ValueError as error:  # a FileError, too
        is_path = isinstance(error, AbsentFileError) and named.endswith(shown(path))
        mend = "; write the secret that the sender shows you into that file" if is_path else ""
        problems.append(f"{named} {error}{mend}")
        return ()
    if warning:
        warnings.append(f"{named} {warning}")
    return secrets
