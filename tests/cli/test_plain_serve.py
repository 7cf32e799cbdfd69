"""`hookgate serve` without typer: what it reads is what typer reads, and what it leaves alone."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from hookgate_cli import serving
from hookgate_cli.plain_serve import read
from hookgate_cli.verbs import app
from support.events import CLEAN
from support.raw import ask, post
from support.sidecar import sidecar

_OPTIONS = ["--config", "-c", "--upstream", "--listen", "--audit", "--observe", "--ship", "--help"]
_WORDS = st.one_of(
    st.sampled_from([*_OPTIONS, "--", "-", "", "--list", "--obsrve", "serve", "x", "http://x:1"]),
    st.builds("{}={}".format, st.sampled_from(_OPTIONS), st.sampled_from(["", "x", "a=b", "-c"])),
    st.builds("-c{}".format, st.sampled_from(["x", "=x"])),
)


def by_typer(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> list[Any] | None:
    """What typer calls `serve` with; None where it does not."""
    called: list[Any] = []
    monkeypatch.setattr(serving, "serve", lambda *values: called.extend(values))
    try:
        app(["serve", *words])
    except SystemExit:
        pass
    return called or None


@given(words=st.lists(_WORDS, max_size=5))
def test_whatever_is_read_typer_would_have_read(words: list[str]) -> None:
    """The first is faster; what it will not read goes to the other, which says what is wrong."""
    found = read(["serve", *words])
    if found is not None:
        values = [found.get(name) for name in ("config", "upstream", "listen", "audit")]
        with pytest.MonkeyPatch.context() as monkeypatch:
            flags = [found.get(name, False) for name in ("observe", "ship")]
            assert by_typer(monkeypatch, words) == [*values, *flags]


def test_every_option_is_read() -> None:
    """But for help: a new one must not make starts slow unnoticed."""
    params = get_command(app).get_command(None, "serve").params  # type: ignore[attr-defined]
    for param in params:
        for name in param.opts:
            words = ["serve", name] if param.is_flag else ["serve", name, "value"]
            assert read(words) == {param.name: True if param.is_flag else "value"}
    assert len(params) == 6


@pytest.mark.parametrize(
    "words",
    [[], ["check"], ["--version"], ["serve", "--help"], ["serve", "--upstream"], ["serve", "x"]],
    ids=" ".join,
)
def test_all_else_is_left_to_typer(words: list[str]) -> None:
    assert read(words) is None


# A start that imports one of these waits for what it does not use.
OF_OTHERS = (
    *("typer", "pydantic", "requests", "urllib3", "prometheus_client", "http.server"),
    *("mitmproxy", "duckdb", "jinja2", "zstandard", "vl_convert"),
    *("hookgate.nginx", "hookgate.ledger.audit", "hookgate_addon", "pyrage"),
    *("hookgate_cli.verbs", "hookgate_sidecar.admin", "hookgate_sidecar.supervisor"),
)


def test_a_gate_imports_nothing_that_only_others_need(tmp_path: Path) -> None:
    """From its start until it has answered an event and ended; without an admin listener."""
    file = tmp_path / "modules"
    tell = f"lambda: open({str(file)!r}, 'w').write(' '.join(sys.modules))"
    patch = f"import atexit, sys; atexit.register({tell})"
    with sidecar("http://127.0.0.1:1", tmp_path, patch=patch, under="env") as gate:
        assert ask(gate.port, post(CLEAN)).status == 502
        assert gate.stop() == 0
    modules = file.read_text().split()
    assert "hookgate_sidecar.server" in modules
    needless = tuple(f"{name}." for name in OF_OTHERS)
    assert [name for name in modules if f"{name}.".startswith(needless)] == []
