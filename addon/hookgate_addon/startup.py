"""What mitmdump must be started with, and what each wrong option would open."""

from typing import NamedTuple

from mitmproxy.options import Options
from mitmproxy.utils import human

DEAD_UPSTREAM = "reverse:http://127.0.0.1:9"


class Need(NamedTuple):
    """An option, the value that it must have, and why."""

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
    Need("termlog_verbosity", "warn", "its default prints heads that were broken off"),
)
EMPTY = (
    "map_remote", "map_local", "modify_headers", "modify_body", "stickyauth", "stickycookie",
    "server_replay", "block_list", "proxyauth", "ignore_hosts", "allow_hosts", "tcp_hosts",
)  # fmt: skip


def find_problems(options: Options, max_body: int) -> list[str]:
    """One line for each option that keeps the gate from starting, with the mend."""
    problems: list[str] = []
    if list(options.mode) != [DEAD_UPSTREAM]:
        problems.append(
            f"mode is {', '.join(options.mode)}; mitmproxy must have a dead upstream, so that "
            f"nothing passes when an addon breaks: --mode {DEAD_UPSTREAM}"
        )
    for need in NEEDS:
        if need.option in options and getattr(options, need.option) != need.value:
            shown = "" if need.value is None else str(need.value).lower()
            problems.append(
                f"{need.option} is {_shown(getattr(options, need.option))}: {need.why}; "
                f"--set {need.option}={shown}"
            )
    problems += [
        f"{option} is set: it could change or answer a request past the gate; leave it out"
        for option in EMPTY
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
    """mitmproxy's limit for a body bound: one byte more, so that the gate itself refuses first."""
    return str(max_body + 1)


def _shown(value: object) -> str:
    return "not set" if value is None else str(value).lower()


def command_line(max_body: int, listen: tuple[str, int], script: str) -> list[str]:
    """The complete mitmdump command for a configuration; the host "" is every address."""
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
