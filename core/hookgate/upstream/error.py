"""Why an event did not get to the endpoint: a closed list of causes, and what each one means.

`Reason` says what the sender is answered, and so whether the event may have arrived; the cause says
what a person has to mend. None holds anything that a sender chose.
"""

from enum import Enum
from typing import NamedTuple

from hookgate.policy import Reason


class UpstreamError(Enum):
    """A cause: its `word` in records, logs and metrics, what it `means`, and the `mend`."""

    REFUSED = (
        "refused",
        "nothing listens at the endpoint's address and port, or a firewall refuses the connection",
        "start the endpoint, or correct host and port in `upstream.url`",
    )
    NO_ROUTE = (
        "no_route",
        "no way leads from here to the endpoint's address",
        "mend the network, or correct `upstream.url`",
    )
    NOT_PERMITTED = (
        "not_permitted",
        "this machine does not let hookgate connect there",
        "look at its firewall, SELinux or AppArmor, and the unit's `IPAddressDeny`",
    )
    EXHAUSTED = (
        "exhausted",
        "no descriptor, local port or memory was left for a connection",
        "raise the limit on descriptors (`LimitNOFILE`), or lower `upstream.max_connections`",
    )
    NAME_UNKNOWN = (
        "name_unknown",
        "the endpoint's name has no address",
        "correct the name in `upstream.url`, or its entry in the DNS",
    )
    NAME_FAILED = (
        "name_failed",
        "the endpoint's name could not be looked up: no name server knew or answered",
        "look at `/etc/resolv.conf` and the name servers in it",
    )
    TLS_UNTRUSTED = (
        "tls_untrusted",
        "the endpoint's certificate is not one that is trusted here",
        "name its CA in `upstream.ca_file`, and let the endpoint send its whole chain",
    )
    TLS_EXPIRED = (
        "tls_expired",
        "the endpoint's certificate, or one above it, has expired or is not valid yet",
        "renew it, or set this machine's clock",
    )
    TLS_NAME = (
        "tls_name",
        "the endpoint's certificate is for another name than the one in `upstream.url`",
        "write a name that is in the certificate, or have one issued for this name",
    )
    TLS_CLIENT = (
        "tls_client",
        "the endpoint wants a client certificate, or another one than it is shown",
        "set `upstream.client_cert` to one that the endpoint's CA signed",
    )
    TLS_NONE = (
        "tls_none",
        "one side speaks TLS and the other does not",
        "write https for http in `upstream.url`, or http for https, or correct the port",
    )
    TLS_FAILED = (
        "tls_failed",
        "the endpoint and hookgate could not agree on TLS",
        "let the endpoint offer TLS 1.2 or 1.3 with common ciphers; the log has OpenSSL's word",
    )
    RESET = (
        "reset",
        "the connection was reset, by the endpoint or by something on the way",
        "see whether the endpoint crashed or wants a client certificate, and what is between",
    )
    CLOSED_EARLY = (
        "closed_early",
        "the endpoint closed the connection before its answer was whole",
        "look into the endpoint's log; one that expects https does so to http as well",
    )
    NOT_HTTP = (
        "not_http",
        "what the endpoint sent is no answer in HTTP/1.1 or 1.0",
        "correct the port in `upstream.url`, or the endpoint's answer",
    )
    TOO_LARGE = (
        "too_large",
        "the endpoint's answer was over `upstream.max_response`, or its head over 64 KiB",
        "let the endpoint answer less, or raise `upstream.max_response`",
    )
    TOO_EARLY = (
        "too_early",
        "the endpoint answered 2xx before the whole event had left",
        "let the endpoint read the event before it answers",
    )
    TIMEOUT_NAME = (
        "timeout_name",
        "looking up the endpoint's name took longer than `upstream.timeout`",
        "look at `/etc/resolv.conf` and the name servers in it",
    )
    TIMEOUT_CONNECT = (
        "timeout_connect",
        "the endpoint's address did not reply within `upstream.timeout`",
        "look whether the endpoint is up and a firewall drops packets, or correct `upstream.url`",
    )
    TIMEOUT_TLS = (
        "timeout_tls",
        "the TLS handshake did not end within `upstream.timeout`",
        "look at the endpoint, and whether that port speaks TLS",
    )
    TIMEOUT_POOL = (
        "timeout_pool",
        "no connection became free: all of `upstream.max_connections` waited for answers",
        "let the endpoint answer sooner, or raise `upstream.max_connections`",
    )
    TIMEOUT_ANSWER = (
        "timeout_answer",
        "the endpoint did not read the event and answer it whole within `upstream.timeout`",
        "let the endpoint answer before it works on the event, or raise `upstream.timeout`",
    )
    CUT_OFF = (
        "cut_off",
        "hookgate stopped while it waited for the endpoint",
        "nothing, or raise `sidecar.drain`",
    )
    ERROR = (
        "error",
        "something else; the log has the operating system's word",
        "look it up in the log (`upstream.failing`)",
    )

    word: str
    means: str
    mend: str

    def __init__(self, word: str, means: str, mend: str) -> None:
        self.word = word
        self.means = means
        self.mend = mend


BY_WORD = {error.word: error for error in UpstreamError}


class Failure(NamedTuple):
    """What came of a request that got no answer, or not the whole of one.

    `detail` is the system's or OpenSSL's own name for it, "" where there is none. `status` is the
    2xx of an answer whose body was wanted and did not come whole: the event arrived; else 0.
    """

    reason: Reason
    error: UpstreamError
    detail: str = ""
    status: int = 0
