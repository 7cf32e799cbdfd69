"""Where the doctor finds includes of nginx that nobody named."""

from pathlib import Path

import pytest

from support.calling import Call
from support.doctor import SetUp
from support.imports import ROOT

ANOTHER = '[[route]]\npath = "/new"\n'


@pytest.mark.parametrize("options", [(), ("--name", "orders"), ("--out", "there/nginx")])
def test_includes_are_found_where_render_wrote_them(
    setup: SetUp, call: Call, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Without --out in the folder nginx of where it was run; or beside the configuration."""
    (tmp_path / "there").symlink_to(setup.folder)
    assert call("nginx", "render", "-c", str(setup.file), *options).status == 0
    assert setup.look() == []
    setup.write(ANOTHER)
    folder = setup.folder if "--out" in options else tmp_path
    assert f" in {folder}/nginx is not what" in setup.one("nginx")["says"]


def test_includes_of_a_checkout_of_hookgate_are_nobody_s(
    setup: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert (ROOT / "nginx/hookgate-http.conf").is_file()
    assert setup.look() == []
