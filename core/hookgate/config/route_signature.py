"""The `[route.signature]` table: how a route's events are signed, and with which secrets."""

from collections.abc import Mapping
from shlex import quote
from typing import Any

from hookgate.files import FileError, is_open_to_all, read_secret
from hookgate.settings import SignatureSettings
from hookgate.signing.schemes import SCHEMES
from hookgate.signing.secrets import split_secrets
from hookgate.text_file import refuse_bom

from .keys import SIGNATURE_KEYS
from .redaction import shown, shown_secret_path

_DEFAULT_TOLERANCE = "5m"


def read_signature(
    where: str, given: Any, problems: list[str], warnings: list[str]
) -> SignatureSettings | None:
    """Check a route's signature and read its secrets; None, and problems, if it cannot be used.

    `where` is the table's name. Warns of a secret that everybody may read.
    """
    if not isinstance(given, dict):
        problems.append(f"{where} is a table; write [route.signature] and its keys below")
        return None
    before = len(problems)
    values = _parse({"tolerance": _DEFAULT_TOLERANCE, **given}, where, problems)
    for name, example in (
        ("scheme", "standard-webhooks"),
        ("secret_file", "/etc/hookgate/x.secret"),
    ):
        if not given.get(name):
            problems.append(f'{where}.{name} is missing; write it like "{example}"')
    if len(problems) > before:
        return None
    scheme = SCHEMES[values["scheme"]]
    if scheme.time_field is None and "tolerance" in given:
        problems.append(
            f"{where}.tolerance is of no use: {scheme.name} signs no time; leave it out"
        )
    secrets = _read(f"{where}.secret_file", values["secret_file"], scheme.name, problems, warnings)
    return SignatureSettings(scheme.name, secrets, values["tolerance"])


def _parse(given: Mapping[str, Any], where: str, problems: list[str]) -> dict[str, Any]:
    values = {}
    for name, value in given.items():
        if name not in SIGNATURE_KEYS:
            names = ", ".join(SIGNATURE_KEYS)
            problems.append(f"{where}.{name} is no key; there are {names}")
            continue
        try:
            values[name] = SIGNATURE_KEYS[name][0](value)
        except ValueError as error:
            problems.append(f"{where}.{name} = {shown(value)} {error}")
    return values


def _read(
    where: str, path: str, scheme: str, problems: list[str], warnings: list[str]
) -> tuple[bytes, ...]:
    named = f"{where} = {shown_secret_path(path)}"
    try:
        data, mode = read_secret(path)
        refuse_bom(data)
        secrets = split_secrets(data, SCHEMES[scheme])
    except (FileError, ValueError) as error:
        problems.append(f"{named} {error}")
        return ()
    if is_open_to_all(mode):
        warnings.append(f"{named} can be read by everybody on this machine; chmod o= {quote(path)}")
    return secrets
