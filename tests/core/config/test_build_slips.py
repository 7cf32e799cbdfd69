"""Slips of whoever writes a configuration: each is told, with a mend that loads to the letter."""

import re
from pathlib import Path

import pytest

from hookgate.config.build import load
from support.problems import MINIMAL, URL, problem, problems, write


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


NAMES = [
    ("[{}]\nmethod = 'observe'", "chekcs", "[checks]"),
    ("[{}]\ntimeout = '3s'", "upsteam", "[upstream]"),
    ("[{}]\nworkers = 2", "Sidecar", "[sidecar]"),
    ("[{}]\nworkers = 2", "side-car", "[sidecar]"),
    ("[{}]\npath = '/a'", "routes", "[[route]]"),
    ("[[{}]]\npath = '/a'", "Route", "[[route]]"),
    ("[sidecar]\n{} = 2", "worker", "sidecar.workers"),
    ("[sidecar]\n{} = ':1'", "Listen", "sidecar.listen"),
    ("[upstream]\n{} = '2MiB'", "max_body", "request.max_body"),
    ("[source]\n{} = ['cm.com']", "allowed", "source.allow"),
]


@pytest.mark.parametrize(("content", "slip", "right"), NAMES)
def test_the_nearest_name_is_offered(content: str, slip: str, right: str) -> None:
    """Of a section, a route or a key, in whichever section it is."""
    told = problem(write(content.format(slip)))
    assert told.endswith(f"; did you mean {right}?")
    offered = re.fullmatch(r".* did you mean \[*([^\]]+)\]*\?", told)
    assert offered is not None
    section, _, name = offered[1].rpartition(".")
    mended = content.replace("[[{}]]", "[{}]").replace("[{}]", f"{right}").format(name)
    if section:
        mended = re.sub(r"^\[.*\]", f"[{section}]", mended)
    assert load(write(mended), URL, {})


def test_what_a_misspelt_section_holds_is_not_missing() -> None:
    """And what is wrong in it is told with it."""
    content = MINIMAL.replace("upstream", "upsteam")
    file = write(content + "timeout = 5\n[[route]]\npath = '/a'\n")
    with pytest.raises(Exception, match="did you mean") as caught:
        load(file, None, {})
    assert len(str(caught.value).splitlines()) == 2
    assert "upstream.timeout = 5 is no duration" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said", "mended"),
    [
        ("listen = ':1'", "listen is in no section; write it below [sidecar]", "[sidecar]\n{}"),
        (
            "[signature]\nscheme = 'github'",
            "[signature] is no section; write [route.signature] below the [[route]] that it is of",
            "[[route]]\npath = '/a'\n[route.signature]\nscheme = 'github'\nsecret_file = 'secret'",
        ),
    ],
)
def test_what_stands_in_the_wrong_place_is_sent_to_its_own(
    content: str, said: str, mended: str
) -> None:
    """A key above all sections, a route's table without its route."""
    assert said in problem(write(content))
    Path("secret").write_text("0123456789abcdef0123456789abcdef\n")
    Path("secret").chmod(0o600)
    assert load(write(mended.format(content)), URL, {})


@pytest.mark.parametrize(
    ("slip", "right"),
    [
        ("HOOKGATE_SOURCE__ALOW", "HOOKGATE_SOURCE__ALLOW"),
        ("HOOKGATE_SOURCES__ALLOW", "HOOKGATE_SOURCE__ALLOW"),
        ("HOOKGATE_SOURCE_ALLOW", "HOOKGATE_SOURCE__ALLOW"),
        ("HOOKGATE_UPSTREAM_URL", "HOOKGATE_UPSTREAM__URL"),
        ("HOOKGATE_SIDECAR__MAXBUFFERED", "HOOKGATE_SIDECAR__MAX_BUFFERED"),
        ("HOOKGATE_audit__path", "HOOKGATE_AUDIT__PATH"),
    ],
)
def test_so_is_the_nearest_variable(slip: str, right: str) -> None:
    """With one underscore too few it is none, and not passed over."""
    assert problem(None, {slip: "x"}) == f"${slip} names no key; did you mean {right}?"


@pytest.mark.parametrize(
    ("variable", "table"),
    [
        ("HOOKGATE_ALARM__CHANNEL", "[[alarm.channel]]"),
        ("HOOKGATE_ALARM__CHANNEL__URL", "[[alarm.channel]]"),
        ("HOOKGATE_CHANNEL__KIND", "[[alarm.channel]]"),
        ("HOOKGATE_ROUTE__PATH", "[[route]]"),
        ("HOOKGATE_ROUTE__SIGNATURE__SCHEME", "[route.signature]"),
        ("HOOKGATE_SIGNATURE__SCHEME", "[route.signature]"),
    ],
)
def test_what_no_variable_can_set_is_sent_to_a_file(variable: str, table: str) -> None:
    """There may be several of these tables: no key is offered in their place."""
    told = problem(None, {variable: "x"})
    assert told == f"${variable} names no key; a variable sets no table; write {table} in a file"


def test_names_that_are_offered_stand_there_once() -> None:
    """Also those that another reader takes."""
    told = problem(write("[[alarm.channel]]\nkind = 'json'\nurl = 'http://127.0.0.1'\nzzzz = 1\n"))
    names = told.partition("there are ")[2].split(", ")
    assert len(names) == len(set(names)) > 5


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("alarm.near = off", 'alarm.near = "off"'),
        ("alarm.near = off  # none", 'alarm.near = "off"'),
        ("source.proxy_protocol = no", "source.proxy_protocol = false"),
        ("sidecar.ready_needs_upstream = True", "sidecar.ready_needs_upstream = true"),
        ("checks.method = observe", 'checks.method = "observe"'),
        ("upstream.sign_key_file = whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '"..."'),
        ("upstream.url = http://a:8080", '"..."'),
    ],
)
def test_a_text_without_quotes_is_told_with_them(line: str, mended: str) -> None:
    """What is longer than a word may be a secret."""
    told = problem(write(f"{line}\n"))
    assert told.endswith(mended)
    assert "whsec" not in told
    if "..." not in mended:
        assert load(write(f"{mended}\n"), URL, {})


@pytest.mark.parametrize("line", ["a = [", "a = 1 2", "= off", "[off", 'a = "', "a = off off = b"])
def test_other_mistakes_of_toml_are_told_as_they_are(line: str) -> None:
    assert "hookgate.toml is no TOML: " in problem(write(f"{line}\n"))


@pytest.mark.parametrize(
    ("key", "value", "offered"),
    [
        ("upstream.timeout", 5, "5s"),
        ("upstream.timeout", "5", "5s"),
        ("quarantine.max_age", "30", "30s"),
        ("request.max_body", 4096, "4096B"),
        ("request.max_body", "4096", "4096B"),
        ("alarm.silence", 900, "900s"),
    ],
)
def test_a_number_without_its_unit_is_told_with_one(key: str, value: object, offered: str) -> None:
    """And that can be written."""
    assert f'without a unit; write "{offered}"' in problem(keys={key: value})
    assert load(None, {**URL, key: offered}, {})


@pytest.mark.parametrize("value", [True, 1.5, "1e3", "", "٣", "9" * 400])
def test_what_is_no_number_is_offered_no_unit(value: object) -> None:
    told = problem(keys={"upstream.timeout": value})
    assert "without a unit" not in told


TYPES = [
    ("sidecar.workers", '"2"', "is text; write 2"),
    ("upstream.max_connections", '"5"', "is text; write 5"),
    ("request.max_depth", '"64"', "is text; write 64"),
    ("source.proxy_protocol", '"false"', "is text; write false"),
    ("sidecar.ready_needs_upstream", '"true"', "is text; write true"),
    ("source.allow", '"cm.com"', 'is text; write ["cm.com"]'),
    ("source.allow", '""', 'is text; write ["cm.com"]'),
    ("source.allow", '"cm.com, 203.0.113.0/24"', 'is text; write ["cm.com", "203.0.113.0/24"]'),
    ("source.trusted_proxies", '"unix"', 'is text; write ["unix"]'),
    ("source.trusted_proxies", '""', "is text; write []"),
    ("quarantine.keep", '"failed"', 'is text; write ["failed"]'),
    ("request.methods", '"POST"', 'is text; write ["POST"]'),
    ("sidecar.varying_fields", '"x-id"', 'is text; write ["x-id"]'),
    ("audit.path", "5", 'is no text; write "5"'),
    ("audit.path", '["a.jsonl"]', 'is a list; write "a.jsonl"'),
    ("audit.path", "true", 'is no text; write "true"'),
    ("source.allow_file", "false", "is no text"),
    ("sidecar.varying_fields", '["a", 5]', 'is no list of texts; write ["a", "5"]'),
]


@pytest.mark.parametrize(("key", "value", "said"), TYPES)
def test_a_value_of_the_wrong_type_is_refused_in_a_file(key: str, value: str, said: str) -> None:
    """Where TOML tells them apart; what is offered loads."""
    section, name = key.split(".")
    content = f"[{section}]\n{name} = "
    told = problem(write(content + value))
    assert f"{key}{'' if value == chr(34) * 2 else ' = ' + value} {said}" in told
    if mend := said.partition("; write ")[2]:
        assert load(write(content + mend), URL, {})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("audit.path", '["http://user:hidden@example.com"]'),
        ("upstream.sign_key_file", f'["whsec_{"hidden" * 6}"]'),
        ("source.allow", '["http://user:hidden@example.com", 5]'),
        ("source.allow", f'"whsec_{"hidden" * 6}"'),
    ],
)
def test_a_mend_shows_no_secret(key: str, value: str) -> None:
    """Where the value that it is of does not either."""
    section, name = key.split(".")
    assert "hidden" not in str(problems(write(f"[{section}]\n{name} = {value}\n")))


@pytest.mark.parametrize(("key", "value", "said"), TYPES)
def test_the_environment_has_nothing_but_texts(key: str, value: str, said: str) -> None:
    """There each is taken for what its key holds."""
    if said.startswith("is text") and value != '""':
        variable = f"HOOKGATE_{key.replace('.', '__')}".upper()
        assert load(None, URL, {variable: value.strip('"')})


def test_a_route_s_value_of_the_wrong_type_is_refused_too() -> None:
    """Routes are written in files alone."""
    route = "[[route]]\npath = '/a'\ncustody = {}\n"
    told = problem(write(route.format('"false"')))
    assert told == 'hookgate.toml: route 1 ("/a"): custody = "false" is text; write false'
    assert load(write(route.format("false")), URL, {})


CONTRACTS = [
    *(("cm-voices", "cm-voice"), ("cm_events", "cm-events"), ("CM-Email", "cm-email")),
    *(("cm-payment", "cm-payments"), ("cm-twoway", "cm-two-way"), ("messages", "cm-messages")),
]


@pytest.mark.parametrize(("slip", "right"), CONTRACTS)
def test_the_nearest_contract_is_offered(slip: str, right: str) -> None:
    """Of those that are shipped, and it loads."""
    route = "[[route]]\npath = '/a'\ncontract = '{}'\n"
    told = problem(write(route.format(slip)))
    assert "cannot be read: No such file or directory in /" in told
    assert told.endswith(f'; did you mean "{right}"?')
    assert load(write(route.format(right)), URL, {})
    assert problem(write(route.format("zzz"))).endswith("; shipped: cm-events, cm-events-strict, "
        "cm-messages, cm-status, cm-email, cm-payments, cm-voice, cm-two-way")  # fmt: skip


@pytest.mark.parametrize("path", ["secret", "made/secret"])
def test_a_secret_that_is_not_there_is_to_be_written(path: str) -> None:
    """By whoever knows it from the sender."""
    table = (
        f"[[route]]\npath = '/a'\n[route.signature]\nscheme = 'cm-email'\nsecret_file = '{path}'\n"
    )
    told = problem(write(table))
    assert told.endswith("; write the secret that the sender shows you into that file")
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text("a secret of these tests\n")
    Path(path).chmod(0o600)
    assert load(write(table), URL, {}).routes[0].signature


def test_of_very_many_problems_the_first_are_told_and_the_number_of_the_others() -> None:
    """Whatever they are of, and in little time."""
    keys = "\n".join(f"wrkers{n} = 1" for n in range(20_000))
    sections = "\n".join(f"[sidcar{n}]" for n in range(5_000))
    found = problems(write(f"[sidecar]\n{keys}\n{sections}\n"))
    assert len(found) == 21
    assert found[0] == "hookgate.toml: sidecar.wrkers0 is no key; did you mean sidecar.workers?"
    assert found[-1] == "and 24980 more; mend these first"
    routes = "".join("[[route]]\npath = '/a'\n" for _ in range(22))
    assert len(problems(write(routes))) == 21
