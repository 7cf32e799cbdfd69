"""`hookgate config`."""

import json
import os
import shlex
import subprocess
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from hookgate.config.build import load
from hookgate.config.keys import KEYS
from support.calling import Call
from support.sidecar import HOOKGATE

URL = '[upstream]\nurl = "http://127.0.0.1:1"\n'
ROUTE = '[[route]]\npath = "/"\ncontract = "%s"\n'
MULTIPLYING = json.dumps(
    {
        "$ref": "#/$defs/p0",
        "$defs": {f"p{n}": {"anyOf": [{"$ref": f"#/$defs/p{n + 1}"}] * 2} for n in range(24)}
        | {"p24": {}},
    }
)


def test_init_writes_a_file_that_loads_as_the_defaults(call: Call, tmp_path: Path) -> None:
    """The template is a valid file, and changes nothing but the upstream."""
    assert call("config", "init").status == 0
    written = load(str(tmp_path / "hookgate.toml"), {}, {})
    plain = load(None, {"upstream.url": "http://127.0.0.1:8080"}, {})
    assert written == plain


def uncommented(call: Call) -> str:
    lines = call("config", "init", "-").out.splitlines()
    return "\n".join(line.removeprefix("# ") for line in lines if " = " in line or "[" in line)


def test_init_shows_a_site_of_three_webhooks_that_loads(call: Call, tmp_path: Path) -> None:
    """Its routes need nothing but their comment marks removed, and the sender's secret."""
    file = tmp_path / "hookgate.toml"
    (tmp_path / "status.secret").write_text(f"whsec_{'A' * 32}\n")
    (tmp_path / "status.secret").chmod(0o600)
    file.write_text(uncommented(call).replace("/etc/hookgate", str(tmp_path)))
    assert [(route.path, route.contract) for route in load(str(file), {}, {}).routes] == [
        ("/cm/events", "cm-events"),
        ("/cm/messages", "cm-messages"),
        ("/cm/status", "cm-status"),
    ]


def test_init_shows_every_key_with_its_default(call: Call) -> None:
    """With the comment marks removed the template still parses, and equals the table."""
    document = tomllib.loads(uncommented(call))
    for key in KEYS:
        if key.path != "upstream.url":
            assert document[key.section][key.name] == key.default, key.path


@pytest.mark.parametrize("name", ["hookgate.toml", "mine.toml", "my 'own' gate.toml"])
def test_init_says_what_to_run_next_and_it_runs(call: Call, name: str) -> None:
    """Copied from the terminal, whatever the file is called."""
    program, *arguments = shlex.split(call("config", "init", name).out.rpartition("then: ")[2])
    assert program == "hookgate"
    assert call(*arguments).out.startswith(f"{Path(name).absolute()}: fine.")


def test_init_overwrites_nothing(call: Call) -> None:
    """A file that exists is left alone."""
    assert call("config", "init", "mine.toml").status == 0
    again = call("config", "init", "mine.toml")
    assert again.status == 2
    assert "exists already" in again.err


def test_check_lists_every_problem_with_its_key(call: Call, tmp_path: Path) -> None:
    """All at once, each on a line of its own, on stderr, exit 2."""
    (tmp_path / "hookgate.toml").write_text(
        '[upstream]\nurl = "ftp://x"\n'
        '[source]\nallow = ["10.0.0.1/8"]\n'
        '[request]\nmax_bdy = "1MiB"\n'
    )
    result = call("config", "check")
    assert result.status == 2
    assert result.out == ""
    assert len(result.err.splitlines()) == 3
    for words in ("upstream.url", "source.allow[0]", "did you mean request.max_body?"):
        assert words in result.err


def test_check_says_fine(call: Call) -> None:
    """A good file is named with its fingerprints, exit 0."""
    call("config", "init")
    result = call("config", "check")
    assert result.status == 0
    assert result.out.startswith(f"{Path('hookgate.toml').absolute()}: fine. Policy ")
    ledger = Path("hookgate-audit.jsonl").absolute()
    assert result.out.splitlines()[1:] == [f"audit.path is {ledger}, counted from here"]


def test_check_says_which_contract_tells_no_places(call: Call, tmp_path: Path) -> None:
    """One that leads back to itself through alternatives is taken, with a word on what it costs."""
    schema = '{"oneOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}'
    (tmp_path / "tree.json").write_text(schema)
    (tmp_path / "hookgate.toml").write_text(URL + ROUTE % "tree.json")
    result = call("config", "check")
    assert result.status == 0
    told = result.out.replace("\n", " ")
    assert told.startswith('contract "tree.json": leads back to itself by several ways')
    assert ": fine. Policy " in told
    (tmp_path / "hookgate.toml").write_text(URL + ROUTE % "cm-events")
    assert "leads back" not in call("config", "check").out


def test_check_refuses_a_contract_that_could_take_without_end(call: Call, tmp_path: Path) -> None:
    """A pattern that backtracks, references that multiply: with the key, and why."""
    (tmp_path / "hookgate.toml").write_text(URL + ROUTE % "own.json")
    for schema, words in (
        ('{"properties":{"a":{"pattern":"^(?!b)a"}}}', "without look-around"),
        (MULTIPLYING, "its references multiply"),
    ):
        (tmp_path / "own.json").write_text(schema)
        result = call("config", "check")
        assert result.status == 2
        assert 'route 1 ("/"): contract' in result.err
        assert words in result.err.replace("\n", " ")


def test_show_prints_what_is_in_effect_and_where_from(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File, environment and default are told apart, and the output is TOML."""
    call("config", "init")
    monkeypatch.setenv("HOOKGATE_REQUEST__MAX_BODY", "2MiB")
    text = call("config", "show").out
    assert tomllib.loads(text)["request"]["max_body"] == "2MiB"
    assert 'max_body = "2MiB"  # $HOOKGATE_REQUEST__MAX_BODY' in text
    assert 'url = "http://127.0.0.1:8080"  # hookgate.toml' in text
    assert "max_depth = 64  # default" in text
    keys = call("config", "show", "--json").json["keys"]
    assert keys["request.max_body"] == {"value": "2MiB", "origin": "$HOOKGATE_REQUEST__MAX_BODY"}


def test_show_prints_routes_as_they_are_written(call: Call) -> None:
    """What signs their events too, and none of the secrets."""
    secret = "a secret of these tests"
    Path("email.secret").write_text(secret)
    Path("email.secret").chmod(0o600)
    Path("hookgate.toml").write_text("""
        [upstream]
        url = "http://127.0.0.1:8080"
        [[route]]
        path = "/cm/email"
        contract = "cm-email"
        answer = "relay"
        [route.signature]
        scheme = "cm-email"
        secret_file = "email.secret"
        [[route]]
        path = "/cm/events"
    """)
    text = call("config", "show").out
    assert tomllib.loads(text)["route"] == tomllib.loads(Path("hookgate.toml").read_text())["route"]
    assert secret not in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["config", "check"],
        ["audit", "tail"],
        ["watch", "--once"],
        ["audit", "tail", "--config", "/dev/null"],
    ],
)
def test_a_folder_that_may_not_be_looked_into_is_told_in_a_line(
    tmp_path: Path, arguments: list[str]
) -> None:
    """As of root, where the gate's user runs a command."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    command = [HOOKGATE, *arguments]
    if os.geteuid() == 0:
        # Without its capabilities root may do what others may.
        command = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", *command]
        os.chown(folder, 65534, 65534)
    else:
        folder.chmod(0)
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "Permission denied" in done.stderr


def test_check_says_what_cannot_be_written(call: Call, tmp_path: Path) -> None:
    """A ledger, or what hookgate watch knows, in a folder that is not there."""
    (tmp_path / "hookgate.toml").write_text(
        f'{URL}[audit]\npath = "nowhere/audit.jsonl"\n[alarm]\nstate = "nowhere/alarms.json"\n'
    )
    result = call("config", "check")
    assert result.status == 2
    assert f"there is no folder {tmp_path}/nowhere; make it" in result.err
    assert len(result.err.splitlines()) == 2
    (tmp_path / "nowhere").mkdir()
    assert call("config", "check").status == 0


@pytest.mark.parametrize(
    ("begins", "ends", "fault"),
    [(-9, -1, "has expired"), (1, 90, "is not valid yet"), (-1, 3, "expires in 2 d")],
)
def test_check_warns_of_a_certificate_that_is_not_valid_for_long(
    call: Call, tmp_path: Path, begins: int, ends: int, fault: str
) -> None:
    """A gate serves with it all the same."""
    days = [datetime.now(UTC) + timedelta(count) for count in (begins, ends)]
    leaf = trustme.CA().issue_cert("gate", not_before=days[0], not_after=days[1])
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "tls.pem"))
    (tmp_path / "tls.pem").chmod(0o600)
    (tmp_path / "hookgate.toml").write_text(f'{URL}[sidecar]\ntls_cert = "tls.pem"\n')
    result = call("config", "check")
    assert result.status == 0
    assert f'hookgate: warning: sidecar.tls_cert = "tls.pem" {fault} (valid from ' in result.err
    assert result.out.startswith(f"{tmp_path}/hookgate.toml: fine.")
    assert f"sidecar.tls_cert is {tmp_path}/tls.pem, counted from here\n" in result.out
