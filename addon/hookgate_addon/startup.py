"""The options that mitmdump must be started with, and what each wrong one would let through."""

from typing import NamedTuple

from mitmproxy.options import Options
from mitmproxy.utils import human

DEAD_UPSTREAM = "reverse:http://127.0.0.1:9"


class Need(NamedTuple):
    """One option of mitmproxy, the value that it must have, and why."""

    option: str
    value: object
    why: str


NEEDS = (
    Need("block_global", False, "its default drops every public address, CM.com's too"),
    Need("connection_strategy", "lazy", "mitmproxy must open no upstream connection"),
    Need("keep_host_header", True, "the Host would be replaced before it is judged"),
    Need("onboarding", False, "mitmproxy would answer requests for mitm.it by itself"),
    Need("validate_inbound_headers", True, "requests that can be read in two ways would pass"),
    Need("stream_large_bodies", None, "bodies would go on before they are judged"),
    Need("http2", False, "the gate judges HTTP/1.1"),
    Need("websocket", False, "an upgrade is never granted"),
    Need("rawtcp", False, "what is no HTTP must not be passed on"),
    Need("anticache", False, "fields would be taken out before they are judged"),
    Need("anticomp", False, "fields would be changed before they are judged"),
    Need("flow_detail", 0, "its default prints targets, which may hold personal data"),
    Need(
        "termlog_verbosity",
        "warn",
        "info and debug print heads that were broken off, error hides warnings",
    ),
)
EMPTY = (
    "map_remote", "map_local", "modify_headers", "modify_body", "stickyauth", "stickycookie",
    "server_replay", "block_list", "proxyauth", "ignore_hosts", "allow_hosts", "tcp_hosts",
)  # fmt: skip
# These keep each flow with its body, or write it to a file.
KEEPING = ("save_stream_file", "hardump")
# Values that only a flag sets, which wins over `--set`.
_FLAGS = {
    ("flow_detail", 2): "-v",
    ("termlog_verbosity", "debug"): "-v",
    ("termlog_verbosity", "error"): "-q",
}


def find_problems(options: Options, max_body: int, has_view: bool) -> list[str]:
    """List what keeps the gate from starting: one line each, with the mend.

    `max_body` is `request.max_body`, in bytes. `has_view` tells that mitmproxy's `view` addon is
    loaded, as in mitmweb and the console.
    """
    problems: list[str] = []
    if has_view:
        problems.append(
            "mitmweb and mitmproxy's console keep each flow with its body, and show it; "
            "start mitmdump instead, with the same options"
        )
    if list(options.mode) != [DEAD_UPSTREAM]:
        problems.append(
            f"mode is {', '.join(options.mode)}; mitmproxy must have a dead upstream, so that "
            f"nothing passes when an addon breaks: --mode {DEAD_UPSTREAM}"
        )
    for need in NEEDS:
        if need.option in options and getattr(options, need.option) != need.value:
            value = getattr(options, need.option)
            flag = _FLAGS.get((need.option, value))
            mend = "leave it out"
            if need.value is not None:
                mend = f"--set {need.option}={_shown(need.value)}"
            if flag is not None:
                mend += f", and no {flag}, which wins over it"
            problems.append(f"{need.option} is {_shown(value)}: {need.why}; {mend}")
    problems += [
        f"{option} is set: it could change or answer a request past the gate; leave it out"
        for option in EMPTY
        if option in options and getattr(options, option)
    ]
    problems += [
        f"{option} is set: it would keep each event with its body; leave it out"
        for option in KEEPING
        if option in options and getattr(options, option)
    ]
    limit = human.parse_size(options.body_size_limit)
    if limit is None or limit < max_body:
        problems.append(
            f"body_size_limit is {_shown(options.body_size_limit)}, below request.max_body; "
            f"--set body_size_limit={body_size_limit(max_body)}"
        )
    return problems


def body_size_limit(max_body: int) -> str:
    """Return mitmproxy's `body_size_limit` in bytes: one more, so that the gate refuses first."""
    return str(max_body + 1)


def _shown(value: object) -> str:
    return "not set" if value is None else str(value).lower()


def command_line(max_body: int, listen: tuple[str, int], script: str) -> list[str]:
    """Return the whole mitmdump command line; the host "" listens on every address."""
    settings = {need.option: need.value for need in NEEDS if need.value is not None}
    settings["body_size_limit"] = body_size_limit(max_body)
    host, port = listen
    command = [
        "mitmdump",
        "--mode",
        DEAD_UPSTREAM,
        "--listen-host",
        host,
        "--listen-port",
        str(port),
    ]
    for name, value in settings.items():
        command += ["--set", f"{name}={str(value).lower()}"]
    return [*command, "-s", script]
