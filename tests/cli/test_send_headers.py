"""`hookgate send --header`: what a proxy in front of the gate would say, tried without one."""

import re
import shlex
from pathlib import Path

import pytest

from support.calling import Call
from support.receiver import receiving
from support.sidecar import ALLOWED, FOREIGN, PROXY, sidecar


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("x-forwarded-for", ""),
        ("forwarded", "Forwarded: for=31.169.56.1;proto=https"),
        ("x-real-ip", "x-real-ip:31.169.56.1"),
    ],
)
def test_what_is_said_to_a_proxy_helps_to_the_letter(
    call: Call, tmp_path: Path, field: str, line: str
) -> None:
    """Of the field that is read as a gate comes: of another the next hint says that it is not."""
    keys = {"source.trusted_proxies": "127.0.0.0/8", "source.allow": "cm.com"}
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, **keys, **{"source.header": field}) as gate,
    ):
        send = ["send", f"http://127.0.0.1:{gate.port}/cm/events"]
        told = call(*send)
        assert (told.status, upstream.seen) == (1, [])
        offered = shlex.split(re.findall(r"--header '[^']*'", told.err)[0])
        if line:
            told = call(*send, *offered)
            assert "sender from source.header, and only if 127.0.0.1 is in source.trus" in told.err
            offered = ["-H", line]
        assert (passed := call(*send, *offered)).status == 0, passed.out
        assert passed.err == ""
        assert upstream.seen


def test_a_stranger_is_told_that_a_field_of_its_own_counts_for_nothing(
    call: Call, tmp_path: Path
) -> None:
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        send = ["send", f"http://127.0.0.1:{gate.port}/", "--clean"]
        send += ["-H", "X-Forwarded-For: 31.169.56.1"]
        told = call(*send, "--from", FOREIGN)
        assert f"only if {FOREIGN} is in source.trusted_proxies" in told.err
        assert call(*send, "--from", PROXY).status == 0


@pytest.mark.parametrize("mode", ["relay", "200"])
def test_another_success_than_200_is_told_apart_from_a_failure(
    call: Call, tmp_path: Path, mode: str
) -> None:
    """Where the endpoint's own is relayed; else the gate makes 200 of it."""
    (tmp_path / "hookgate.toml").write_text(f'[[route]]\npath = "/a"\nanswer = "{mode}"\n')
    done = b"HTTP/1.1 204 No Content\r\n\r\n"
    with receiving(lambda _: done) as upstream, sidecar(upstream.url, tmp_path) as gate:
        told = call("send", f"http://127.0.0.1:{gate.port}/a", "--from", ALLOWED)
    assert told.status == (mode == "relay")
    assert ("13 of 34 answers are 204: the endpoint took them" in told.err) is (mode == "relay")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["X-Forwarded-For"], "--header 'X-Forwarded-For' is no field; write it like"),
        (["X-Forwarded-For:"], "is no field"),
        (["X Forwarded: a"], "is no field"),
        (["X: a\r\nY: b"], "is no field"),
        (["X: \u00e9"], "is no field"),
        (["content-TYPE: text/plain"], "--header content-TYPE is what samples try"),
        (["X: a", "Y: b", "x: c"], "--header x is given twice"),
    ],
)
def test_what_is_no_field_is_told(call: Call, lines: list[str], words: str) -> None:
    options = [word for line in lines for word in ("--header", line)]
    result = call("send", "http://127.0.0.1:1/", *options)
    assert (result.status, result.out, len(result.err.splitlines())) == (2, "", 1)
    assert words in result.err
