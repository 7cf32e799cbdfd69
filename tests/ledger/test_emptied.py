"""A ledger whose end is gone after its gate has stopped: the state file names lines that are not
here, and it does not balance.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.calling import caller
from support.events import CLEAN
from support.raw import ask, post
from support.receiver import receiving
from support.sidecar import sidecar


def _keep(lines: int) -> Callable[[Path], None]:
    return lambda path: os.truncate(
        path, sum(map(len, path.read_bytes().splitlines(keepends=True)[:lines]))
    )


def _replace_by_nginx(path: Path) -> None:
    path.write_text('{"event":"delivery","front":"nginx","outcome":"delivered","seq":null}\n')


GONE: dict[str, tuple[Callable[[Path], None], str]] = {
    "all its lines": (_keep(0), "lines 1 to 6 are not here"),
    "its last line": (_keep(5), "lines 6 to 6 are not here"),
    "all but its start": (_keep(1), "lines 2 to 6 are not here"),
    "all, for another's line": (_replace_by_nginx, "lines 1 to 6 are not here"),
}


@pytest.mark.parametrize("what", GONE)
def test_it_does_not_balance(
    what: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the whole one does; of files that are named by hand no more is asked."""
    take, words = GONE[what]
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        for _ in range(2):
            assert ask(gate.port, post(CLEAN)).status == 200
    call = caller(capsys)
    monkeypatch.setenv("HOOKGATE_AUDIT__PATH", str(gate.audit))
    assert call("audit", "balance").status == 0
    take(gate.audit)
    result = call("audit", "balance")
    assert result.status == 1
    assert result.out.startswith("does not balance")
    assert words in " ".join(result.out.split())
    assert "state file" not in call("audit", "balance", str(gate.audit)).out
