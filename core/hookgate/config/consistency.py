"""What keys must be for each other's sake."""

from hookgate.address import TcpAddress, UnixAddress, parse_unix_address
from hookgate.policy import UNIX_PEER

from .draft import Draft


def check_consistency(draft: Draft) -> None:
    """Find values that are good by themselves and make no sense together."""
    _check_bounds(draft)
    _check_unix_sockets(draft)
    header = draft.values["source.header"]
    if header in draft.values["sidecar.varying_fields"]:
        draft.problems.append(
            f'sidecar.varying_fields may not hold "{header}", which names the client by '
            "source.header; leave it out"
        )
    listen = draft.values["sidecar.listen"]
    is_chosen = isinstance(listen, TcpAddress) and not listen.port  # by the system, for each
    if listen == draft.values["sidecar.admin"] and not is_chosen:
        draft.problems.append(f'sidecar.admin = "{listen}" is where sidecar.listen is')
    if not draft.values["audit.path"]:
        stdout = "-" if draft.given("audit.path").is_variable else '"-"'
        draft.problems.append(
            f"{draft.origin('audit.path')}audit.path is empty; name a file, or {stdout} for stdout"
        )


def _check_bounds(draft: Draft) -> None:
    values = draft.values
    body, buffered = values["request.max_body"], values["sidecar.max_buffered"]
    if buffered < 2 * body:
        draft.problems.append(
            f"sidecar.max_buffered is {buffered} bytes, less than two bodies of request.max_body; "
            f'write at least "{2 * body}B"'
        )
    if values["audit.path"] == "-" and values["sidecar.workers"] > 1:
        draft.problems.append(
            'audit.path = "-" is for one worker: lines of several would mix; '
            "name a file, and each worker writes one of its own beside it"
        )


def _check_unix_sockets(draft: Draft) -> None:
    values = draft.values
    listen, url = values["sidecar.listen"], values["upstream.url"]
    if isinstance(listen, UnixAddress) and UNIX_PEER not in values["source.trusted_proxies"]:
        draft.problems.append(
            f'sidecar.listen = "{listen}" needs "{UNIX_PEER}" in source.trusted_proxies: who '
            "connects there has no address, and every event would be refused; the proxy in "
            "front names the client"
        )
    if values["upstream.host"] == "upstream" and url and parse_unix_address(url) is not None:
        draft.problems.append(
            f'upstream.host = "upstream" has no host to take from upstream.url = "{url}"; '
            'write "preserve", or a name like "localhost"'
        )
