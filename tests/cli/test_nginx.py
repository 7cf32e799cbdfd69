"""`hookgate nginx`."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.networks.ranges import SHIPPED, ShippedSet
from hookgate.nginx import render
from support.calling import Call

URL = 'upstream = {url = "http://127.0.0.1:8080"}\n'


@pytest.fixture
def deployed(call: Call, tmp_path: Path) -> Path:
    """A folder with what the configuration renders to."""
    (tmp_path / "hookgate.toml").write_text(URL)
    assert call("nginx", "render", "--out", "deployed").status == 0
    return tmp_path / "deployed"


def test_render_writes_what_the_configuration_says(
    call: Call, tmp_path: Path, deployed: Path
) -> None:
    """Every file, the folder made, and what to do next said."""
    wanted = render(load(str(tmp_path / "hookgate.toml"), {}, {}))
    assert {path.name: path.read_text() for path in deployed.iterdir()} == wanted
    result = call("nginx", "render", "--out", "deployed")
    assert result.status == 0
    assert all(name in result.out for name in wanted)
    assert "nginx -s reload" in result.out


def test_render_overwrites_only_what_it_wrote(call: Call, deployed: Path) -> None:
    """An include that was edited is written anew; a site of one's own stays, and so does all."""
    allow = deployed / "hookgate-allow.conf"
    allow.write_text(f"{allow.read_text()}# edited\n")
    (deployed / "example.conf").write_text("# mine\n")
    result = call("nginx", "render", "--out", "deployed")
    assert result.status == 2
    assert "deployed/example.conf holds something else than" in result.err
    assert (deployed / "example.conf").read_text() == "# mine\n"
    assert "# edited" in allow.read_text()
    (deployed / "example.conf").unlink()
    assert call("nginx", "render", "--out", "deployed").status == 0
    assert "# edited" not in allow.read_text()


def test_render_without_an_upstream_says_what_it_assumes(call: Call) -> None:
    """On stderr, so that the output stays what was asked for."""
    result = call("nginx", "render")
    assert result.status == 0
    assert "upstream.url is not set; http://127.0.0.1:8080 is assumed" in result.err


def test_render_says_where_an_endpoint_has_to_answer_200(call: Call, tmp_path: Path) -> None:
    """Of routes that relay that is what was asked for. Of what is compared nothing is said."""
    relaying = '[[route]]\npath = "/voice"\ncontract = "cm-voice"\n'
    exact = '[[route]]\npath = "/events"\ncontract = "cm-events"\n'
    for routes, told in (
        ("", "2xx as it is: let the endpoint answer 200"),
        (relaying + exact, "2xx as it is at /events: let the endpoint answer 200"),
        (relaying, ""),
    ):
        (tmp_path / "hookgate.toml").write_text(URL + routes)
        assert (told or "Then: nginx -t && nginx -s reload") in call("nginx", "render").out
        assert ("2xx" in call("nginx", "render").out) is bool(told)
        assert "2xx" not in call("nginx", "diff", "nginx").out


def test_render_puts_the_log_where_it_is_told(call: Call, tmp_path: Path) -> None:
    """In the one file that names it."""
    assert call("nginx", "render", "--out", "x", "--log", "/srv/events.jsonl").status == 0
    text = (tmp_path / "x" / "hookgate-location.conf").read_text()
    assert "access_log /srv/events.jsonl hookgate;" in text
    assert "/var/log" not in text


def test_diff_of_the_same_is_fine(call: Call, deployed: Path) -> None:
    """Exit 0, and the review date of the ranges."""
    result = call("nginx", "diff", "deployed")
    assert result.status == 0
    assert "deployed: as this configuration renders." in result.out
    assert f"were reviewed on {SHIPPED['cm.com'].reviewed}" in result.out


def test_diff_shows_a_changed_file(call: Call, deployed: Path) -> None:
    """Exit 1, with the lines that differ and no others."""
    file = deployed / "hookgate-allow.conf"
    file.write_text(file.read_text().replace("allow 31.169.56.0/21;", "allow 31.0.0.0/8;"))
    result = call("nginx", "diff", "deployed")
    assert result.status == 1
    assert "-allow 31.0.0.0/8;" in result.out
    assert "+allow 31.169.56.0/21;" in result.out
    assert "hookgate-http.conf" not in result.out


def test_diff_names_a_missing_file(call: Call, deployed: Path) -> None:
    """Exit 1."""
    (deployed / "hookgate-realip.conf").unlink()
    result = call("nginx", "diff", "deployed")
    assert result.status == 1
    assert "hookgate-realip.conf is missing" in result.out


def test_diff_sees_a_changed_configuration(call: Call, tmp_path: Path, deployed: Path) -> None:
    """What is deployed lags behind."""
    (tmp_path / "hookgate.toml").write_text(URL + '[source]\nallow = ["cm.com", "192.0.2.0/24"]\n')
    result = call("nginx", "diff", "deployed")
    assert result.status == 1
    assert "+allow 192.0.2.0/24;" in result.out


def test_diff_for_a_script(call: Call, deployed: Path) -> None:
    """JSON says which files differ, how, and when the ranges were reviewed."""
    assert call("nginx", "diff", "deployed", "--json").json == {
        "differs": [],
        "diff": {},
        "reviewed": {name: ranges.reviewed for name, ranges in SHIPPED.items()},
    }
    (deployed / "hookgate-http.conf").write_text("# old\n")
    result = call("nginx", "diff", "deployed", "--json")
    assert result.status == 1
    assert result.json["differs"] == ["hookgate-http.conf"]
    assert "-# old" in result.json["diff"]["hookgate-http.conf"]


def test_diff_takes_the_log_into_account(call: Call, deployed: Path) -> None:
    """Files rendered with --log are compared with --log."""
    assert call("nginx", "diff", "deployed", "--log", "/elsewhere").status == 1
    assert call("nginx", "render", "--out", "deployed", "--log", "/elsewhere").status == 0
    assert call("nginx", "diff", "deployed", "--log", "/elsewhere").status == 0


def test_diff_of_no_folder_is_misuse(call: Call) -> None:
    """Exit 2, said on stderr."""
    result = call("nginx", "diff", "nowhere")
    assert result.status == 2
    assert "nowhere is no folder" in result.err


def test_old_ranges_are_told_with_the_page_to_look_at(
    call: Call, deployed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a year after they were reviewed."""
    old = str(datetime.now(UTC).date() - timedelta(days=200))
    ranges = SHIPPED["cm.com"]
    monkeypatch.setitem(SHIPPED, "cm.com", ShippedSet(ranges.cidrs, ranges.page, old))
    result = call("nginx", "diff", "deployed")
    assert "200 days ago; compare them with" in result.out
    assert ranges.page in result.out


@pytest.mark.parametrize("verb", [("render",), ("diff", ".")], ids=["render", "diff"])
def test_what_nginx_cannot_read_is_refused_with_the_mend(
    call: Call, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    """Forwarded of RFC 7239: exit 2, the key, and what to set instead; nothing is written."""
    (tmp_path / "hookgate.toml").write_text(URL + '[source]\nheader = "forwarded"\n')
    result = call("nginx", *verb)
    assert result.status == 2
    assert 'source.header = "forwarded" cannot be read by nginx' in result.err
    assert not (tmp_path / "nginx").exists()
    mend = re.findall(r'set ("[^"]+")', result.err)[0]
    (tmp_path / "hookgate.toml").write_text(URL + f"[source]\nheader = {mend}\n")
    assert call("nginx", "render").status == 0


def test_a_folder_that_cannot_be_written_is_told(call: Call, tmp_path: Path) -> None:
    """Exit 2, without a traceback."""
    (tmp_path / "taken").write_text("")
    result = call("nginx", "render", "--out", "taken")
    assert result.status == 2
    assert "cannot be written" in result.err
