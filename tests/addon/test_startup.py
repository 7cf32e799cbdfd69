"""mitmdump does not start with an option that would open a way past the gate, and says why."""

import contextlib
import os
import pty
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.events import CLEAN
from support.mitmdump import (
    DEAD_END,
    SCRIPT,
    Mitmdump,
    Running,
    begin,
    environment,
    full_command,
    mitmdump,
)
from support.ports import free_ports
from support.raw import ask, post
from support.receiver import receiving


def start(
    folder: Path,
    options: Mapping[str, str | None],
    settings: Mapping[str, str] = {},
    *flags: str,
    program: str = "mitmdump",
) -> tuple[int, str]:
    """The exit status of mitmdump and what it printed. Where its mode has a live upstream, clean
    events are sent all the while. `program` may be another of mitmproxy's.
    """
    script = folder / "gate_script.py"
    script.write_text(SCRIPT)
    (port,) = free_ports(1)
    command = full_command(script, 1 << 20, {"confdir": str(folder / "m"), **options})
    command[command.index("--listen-port") + 1] = str(port)
    command = [str(Path(command[0]).with_name(program)), *command[1:], *flags]
    given = {"upstream.url": "http://127.0.0.1:9", "audit.path": str(folder / "audit")}
    environ = environment({**given, **settings})
    process = begin(command, environ, folder)
    until = time.monotonic() + 30
    try:
        while process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError, EOFError):
                if "mode" in options:
                    assert ask(port, post(CLEAN), seconds=1).status != 200
            time.sleep(0.005)
        assert process.poll() is not None, "it runs"
    finally:
        process.kill()
        status = process.wait(30)
        assert process.stdout is not None
        with process.stdout as stream:
            output = stream.read()
    return status, output


def lines_of(output: str) -> list[str]:
    """What the addon had to say."""
    return [line.partition("hookgate: ")[2] for line in output.splitlines() if "hookgate: " in line]


WRONG: dict[str, dict[str, tuple[str | None, str]]] = {
    "values": {
        "connection_strategy": ("eager", "--set connection_strategy=lazy"),
        "validate_inbound_headers": ("false", "--set validate_inbound_headers=true"),
        "stream_large_bodies": ("1k", "leave it out"),
        "anticache": ("true", "--set anticache=false"),
        "anticomp": ("true", "--set anticomp=false"),
        "body_size_limit": ("1000", "--set body_size_limit=1048577"),
    },
    "defaults": {
        "block_global": (None, "--set block_global=false"),
        "keep_host_header": (None, "--set keep_host_header=true"),
        "onboarding": (None, "--set onboarding=false"),
        "http2": (None, "--set http2=false"),
        "websocket": (None, "--set websocket=false"),
        "rawtcp": (None, "--set rawtcp=false"),
        "flow_detail": (None, "--set flow_detail=0"),
        "termlog_verbosity": (None, "--set termlog_verbosity=warn"),
        "body_size_limit": (None, "--set body_size_limit=1048577"),
    },
    "features": {
        "map_remote": ("|/x|http://127.0.0.1:1/", "leave it out"),
        "map_local": ("|/x|/tmp", "leave it out"),
        "modify_headers": ("/x/y", "leave it out"),
        "modify_body": ("/x/y", "leave it out"),
        "stickycookie": (".*", "leave it out"),
        "stickyauth": (".*", "leave it out"),
        "block_list": (":~u x:404", "leave it out"),
        "proxyauth": ("any", "leave it out"),
        "ignore_hosts": (".*", "leave it out"),
        "tcp_hosts": (".*", "leave it out"),
        "save_stream_file": ("flows", "leave it out"),
        "hardump": ("flows.har", "leave it out"),
    },
    "one": {"block_global": ("true", "--set block_global=false")},
    "another": {"allow_hosts": ("x", "leave it out")},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_each_wrong_option_is_one_line_with_its_mend(
    tmp_path: Path, wrong: dict[str, tuple[str | None, str]]
) -> None:
    """All are said at once, mitmdump exits, and the ledger is not even begun."""
    status, output = start(tmp_path, {option: value for option, (value, _) in wrong.items()})
    assert status == 1
    lines = lines_of(output)
    assert len(lines) == len(wrong)
    for option, (_, mend) in wrong.items():
        [line] = [line for line in lines if line.startswith(f"{option} is ")]
        assert line.endswith(mend)
    assert "Traceback" not in output
    assert not (tmp_path / "audit").exists()


def test_a_live_upstream_is_one_line_and_gets_nothing(tmp_path: Path) -> None:
    """Only a dead upstream keeps a request from passing a broken addon."""
    with receiving() as upstream:
        status, output = start(tmp_path, {"mode": f"reverse:{upstream.url}"})
        assert upstream.seen == []
    assert status == 1
    [line] = lines_of(output)
    assert line.startswith("mode is ")
    assert line.endswith("--mode reverse:http://127.0.0.1:9")


def test_a_bad_setting_is_one_line(tmp_path: Path) -> None:
    """The gate's own configuration is checked as by the sidecar."""
    status, output = start(tmp_path, {}, {"source.allow": "10.0.0.1/8"})
    assert status == 1
    assert any("source.allow" in line for line in lines_of(output))
    assert "Traceback" not in output


def test_a_proxy_header_cannot_be_asked_for(tmp_path: Path) -> None:
    """mitmproxy would take it for a request."""
    settings = {"source.proxy_protocol": "true", "source.trusted_proxies": "127.0.0.20"}
    status, output = start(tmp_path, {}, settings)
    assert status == 1
    assert [line for line in lines_of(output) if "source.proxy_protocol" in line] == lines_of(
        output
    )


def test_no_upstream_is_one_line(tmp_path: Path) -> None:
    """Without a place to send events to there is nothing to start."""
    status, output = start(tmp_path, {}, {"upstream.url": ""})
    assert status == 1
    assert any("upstream.url" in line for line in lines_of(output))


@pytest.mark.parametrize("place", ["no/such/folder/audit", "."])
def test_a_ledger_that_cannot_be_opened_is_one_line(tmp_path: Path, place: str) -> None:
    """Nothing is let through that could not be recorded."""
    status, output = start(tmp_path, {}, {"audit.path": str(tmp_path / place)})
    assert status == 1
    assert len(lines_of(output)) == 1
    assert "Traceback" not in output


def test_the_options_of_the_addon_win_over_the_environment(tmp_path: Path) -> None:
    """`hookgate_upstream` and `hookgate_audit` are what `hookgate mitmdump` passes on."""
    with receiving() as upstream:
        options = {
            "hookgate_upstream": upstream.url,
            "hookgate_audit": str(tmp_path / "other.jsonl"),
        }
        gate = Mitmdump("http://127.0.0.1:9", tmp_path, options=options)
        try:
            assert ask(gate.port, post(CLEAN)).status == 200
        finally:
            assert gate.stop() == 0
        assert len(upstream.seen) == 1
        assert (tmp_path / "other.jsonl").exists()
        assert not gate.audit.exists()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"modify_body": ["/Sugg/x"]}, {"modify_body": []}),
        ({"map_remote": ["|.*|http://127.0.0.1:1/"]}, {"map_remote": []}),
        ({"stream_large_bodies": "1"}, {"stream_large_bodies": None}),
        ({"keep_host_header": False}, {"keep_host_header": True}),
        ({"body_size_limit": "1k"}, {"body_size_limit": "4097"}),
        ({"stickycookie": ".*"}, {"stickycookie": None}),
    ],
    ids=lambda options: "+".join(options),
)
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_an_option_that_turns_wrong_is_refused_until_it_is_right(
    running: Running, wrong: dict[str, object], right: dict[str, object], chunked: bool
) -> None:
    """Options can change while mitmproxy runs; each change is checked."""
    traces = running.traces()
    request = in_chunks(CLEAN) if chunked else post(CLEAN)
    running.gate.run_inside(f"ctx.options.update(**{wrong!r}); result = 1")
    assert ask(running.port, request).status in (502, 503)
    assert traces.untouched
    assert set(running.gate.opened()) <= {DEAD_END}
    running.gate.run_inside(f"ctx.options.update(**{right!r}); result = 1")
    assert ask(running.port, request).status == 200
    assert [r["reason"] for r in traces.deliveries(2)] == ["gate_error", "clean"]
    assert running.gate.log.lines(next(iter(wrong)))


def in_chunks(body: bytes) -> bytes:
    """The body as a chunked POST."""
    head = post(body).partition(b"\r\n\r\n")[0].rpartition(b"\r\n")[0]
    return head + b"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (
        len(body),
        body,
    )


# Flags of the command line that set options, and win over `--set`.
FLAGS = {"-q": "termlog_verbosity is error", "-v": "termlog_verbosity is debug"}


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_that_makes_it_quiet_or_loud_is_told_by_its_own_reason(
    tmp_path: Path, flag: str
) -> None:
    """`--set` would not help: it is the flag that has to go."""
    status, output = start(tmp_path, {}, {}, flag)
    assert status == 1
    lines = lines_of(output)
    [line] = [line for line in lines if line.startswith(FLAGS[flag])]
    assert line.endswith(f"; --set termlog_verbosity=warn, and no {flag}, which wins over it")
    assert "error hides warnings" in line
    assert all(f"and no {flag}" in line for line in lines)


@pytest.mark.parametrize(
    "wrong",
    [{**WRONG["values"], **WRONG["features"]}, {**WRONG["defaults"], **WRONG["another"]}],
    ids=["set", "unset"],
)
def test_it_starts_once_every_line_was_followed(
    tmp_path: Path, wrong: dict[str, tuple[str | None, str]]
) -> None:
    """With the mends above and none of the wrong values nothing else is said, and events pass."""
    options: dict[str, str | None] = dict.fromkeys(wrong)
    for option, (_, mend) in wrong.items():
        if mend != "leave it out":
            name, _, value = mend.removeprefix("--set ").partition("=")
            assert name == option
            options[name] = value
    with (
        receiving() as upstream,
        mitmdump(upstream.url, tmp_path, options=options) as gate,
    ):
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
        assert lines_of(gate.log.whole()) == []


def console(folder: Path) -> tuple[int, str]:
    """The exit status of mitmproxy's console, which wants a terminal, and its standard error."""
    script = folder / "gate_script.py"
    script.write_text(SCRIPT)
    command = full_command(script, 1 << 20, {"confdir": str(folder / "m")})
    command[0] = str(Path(command[0]).with_name("mitmproxy"))
    settings = {"upstream.url": "http://127.0.0.1:9", "audit.path": str(folder / "audit")}
    ours, terminal = pty.openpty()
    with subprocess.Popen(
        command,
        env={**environment(settings), "TERM": "xterm"},
        cwd=folder,
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(terminal)
        screen = threading.Thread(target=drain, args=(ours,), daemon=True)
        screen.start()
        try:
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    screen.join(5)
    os.close(ours)
    return process.returncode, errors


def drain(descriptor: int) -> None:
    """Read until the other side is closed."""
    with contextlib.suppress(OSError):
        while os.read(descriptor, 4096):
            pass


@pytest.mark.parametrize("program", ["mitmweb", "mitmproxy"])
def test_where_every_flow_is_kept_and_shown_it_does_not_start(tmp_path: Path, program: str) -> None:
    """With all options right; and mitmdump starts with the same ones, as it is told."""
    if program == "mitmproxy":
        status, output = console(tmp_path)
    else:
        status, output = start(tmp_path, {}, {}, "--no-web-open-browser", program=program)
    assert status == 1
    [line] = lines_of(output)
    assert "keep each flow with its body" in line
    assert line.endswith("start mitmdump instead, with the same options")
    assert not (tmp_path / "audit").exists()


def test_a_ready_gate_says_where_it_listens_and_what_is_behind_it(running: Running) -> None:
    """One line; mitmdump itself says nothing."""
    gate = running.gate
    told = gate.log.records("addon.listening")
    assert [(line["port"], line["upstream"], line["contracts"]) for line in told] == [
        (running.port, running.upstream.url, ["cm-events"])
    ]
