"""TLS to an https upstream, and of a listener: what is shown, and what is verified."""

import ssl
from typing import NoReturn

from hookgate.files import FileError, read_file

_CERTIFICATE, _KEY = "-----BEGIN CERTIFICATE-----", "PRIVATE KEY-----"


def add_ca(context: ssl.SSLContext, file: str) -> None:
    """Trust the CA certificates in a PEM file. Raises ValueError in words."""
    try:
        context.load_verify_locations(file)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(f"holds no CA certificate in PEM ({_why(error)})") from None


def add_certificate(context: ssl.SSLContext, cert: str, key: str) -> None:
    """Show a certificate with its key, which may be in the same file. Raises ValueError."""
    try:
        context.load_cert_chain(cert, key or None, _refuse_to_ask)
    except _NeedsPassPhraseError as error:
        raise ValueError(f"cannot be used: {error}") from None
    except (ssl.SSLError, OSError) as error:
        raise ValueError(_fault(error, cert, key)) from None


def client_context(ca_file: str, client_cert: str, client_key: str) -> ssl.SSLContext:
    """TLS 1.2 or newer, verified against `ca_file`, or the system's where it is "".

    Raises ValueError where a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        add_ca(context, ca_file)
    else:
        context.load_default_certs()
    if client_cert:
        add_certificate(context, client_cert, client_key)
    return context


def server_context(cert: str, key: str, client_ca: str) -> ssl.SSLContext:
    """TLS 1.2 or newer for a listener; senders need a certificate of `client_ca` unless it is "".

    Raises ValueError, beginning with which of cert and client_ca cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        add_certificate(context, cert, key)
    except ValueError as error:
        raise ValueError(f'cert = "{cert}" {error}') from None
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            add_ca(context, client_ca)
        except ValueError as error:
            raise ValueError(f'client_ca = "{client_ca}" {error}') from None
    return context


class _NeedsPassPhraseError(Exception):
    pass


def _refuse_to_ask() -> NoReturn:
    # Without a callback OpenSSL asks on the terminal, and waits.
    raise _NeedsPassPhraseError(
        "its private key has a pass phrase, which hookgate never asks for; write the key without"
        " one: openssl pkey -in OLD -out NEW"
    )


def _fault(error: OSError, cert: str, key: str) -> str:
    """Say which of both files cannot be used. OpenSSL tells of neither."""
    if not isinstance(error, ssl.SSLError):
        return f"holds no certificate with its key in PEM ({_why(error)})"
    named = "the key file that is named with it" if key else "it"
    if error.reason == "KEY_VALUES_MISMATCH":
        whose = "the key file's key" if key else "the key in it"
        return (
            f"does not go with its key: {whose} belongs to another certificate; name the two that "
            "were made together, the certificate of the key as the first of its chain"
        )
    if _CERTIFICATE not in _text(cert):
        return f"holds no certificate in PEM; name a file with {_CERTIFICATE} in it"
    if _KEY not in _text(key or cert):
        return (
            f"holds a certificate, and {named} holds no private key in PEM; name the file with "
            f"-----BEGIN {_KEY} in it"
        )
    either = " or the key file" if key else ""
    if error.reason:  # as EE_KEY_TOO_SMALL
        return f"cannot be used: OpenSSL refuses what it{either} holds ({error.reason})"
    return f"cannot be used: it{either} holds a damaged certificate or key in PEM"


def _text(path: str) -> str:
    try:
        return read_file(path).data.decode("ascii", "replace")
    except FileError:
        return ""


def _why(error: OSError) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return reason or type(error).__name__
