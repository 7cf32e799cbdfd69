"""How an exchange ended: the reason of what no check found."""

from collections.abc import Iterator

from hookgate.policy import Reason

from .checks import UNREAD
from .syntax import map_

# What came of a request without the checks, by
# "answer:status:upstream status:connect time:header time".
_ENDS = {
    r'"~:(2\d\d):\1:[0-9.]+:[0-9.]+$"': Reason.CLEAN.code,
    r'"~:([3-9]\d\d):\1:[0-9.]+:[0-9.]+$"': Reason.UPSTREAM_REJECTED.code,
    # nginx relays a 1xx as the answer, and what is no HTTP as HTTP/0.9.
    r'"~:\d+:\d+:[0-9.]+:[0-9.]+$"': Reason.UPSTREAM_INVALID.code,
    '"~:504:504:"': Reason.UPSTREAM_TIMEOUT.code,
    '"~:502:502:-:"': Reason.UPSTREAM_UNREACHABLE.code,
    '"~:502:502:"': Reason.UPSTREAM_INVALID.code,
    '"~^:408:"': Reason.BODY_TIMEOUT.code,
    f'"~^{UNREAD}:408:"': Reason.HEAD_TIMEOUT.code,
    '"~:400:"': Reason.MALFORMED_HTTP.code,
    '"~:413:"': Reason.BODY_TOO_LARGE.code,
    '"~:431:"': Reason.HEAD_TOO_LARGE.code,
    '"~:499:"': Reason.CLIENT_GONE.code,
    '"~:503:"': Reason.OVERLOADED.code,
}


def render_ends() -> Iterator[list[str]]:
    """Yield the maps from an exchange to its reason."""
    yield map_(
        '"$hookgate_answer:$status:$upstream_status:$upstream_connect_time:$upstream_header_time"',
        "$hookgate_own_reason",
        _ENDS,
        Reason.GATE_ERROR.code,
    )
    yield map_(
        "$hookgate_answer",
        "$hookgate_end",
        dict.fromkeys(('""', UNREAD), "$hookgate_own_reason"),
        "$hookgate_reason",
    )
