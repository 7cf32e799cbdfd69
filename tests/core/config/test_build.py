"""A configuration from defaults, a file, the environment and the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from hookgate.config.build import load
from hookgate.config.contracts import load_contract
from hookgate.config.error import ConfigError
from hookgate.config.keys import KEYS
from hookgate.config.layers import find_file
from hookgate.settings import Fsync, Mode, PersonalData
from support.problems import MINIMAL, URL, problem, write


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_file_the_defaults_hold() -> None:
    """Only the upstream must be said."""
    config = load(None, URL, {})
    assert config.upstream.url == "http://127.0.0.1:8080"
    assert config.upstream.timeout == 5.0
    assert [str(network) for network in config.source.allow] == [
        "31.169.56.0/21",
        "85.119.48.0/21",
        "188.94.184.0/22",
    ]
    assert config.source.trusted_proxies == ()
    assert [(route.path, route.contract) for route in config.routes] == [("", "cm-events")]
    assert config.routes[0].contract_text == load_contract("cm-events")
    assert set(config.checks.values()) == {Mode.ENFORCE}
    assert config.audit.personal_data is PersonalData.MASK
    assert config.audit.fsync is Fsync.INTERVAL
    assert config.audit.key == config.audit.seal_key == b""
    assert config.sidecar.listen == ("127.0.0.1", 8081)


def test_the_upstream_must_be_said() -> None:
    """There is no default to send events to."""
    with pytest.raises(ConfigError) as caught:
        load(None, None, {})
    assert caught.value.problems == [
        'upstream.url is missing; set it here or with --upstream, like "http://127.0.0.1:8080"'
    ]


def test_each_source_overrides_the_one_before() -> None:
    """Default, file, environment, command line, key by key."""
    file = write(
        MINIMAL + "max_connections = 1\n[request]\nmax_depth = 1\n[sidecar]\nmax_fields = 1\n"
    )
    environ = {"HOOKGATE_REQUEST__MAX_DEPTH": "2", "HOOKGATE_SIDECAR__MAX_FIELDS": "2"}
    config = load(file, {"sidecar.max_fields": 3}, environ)
    assert config.audit.path == "hookgate-audit.jsonl"
    assert config.upstream.max_connections == 1
    assert config.request.max_depth == 2
    assert config.sidecar.max_fields == 3


def test_the_file_is_the_one_given_or_named_or_found() -> None:
    """The argument, else $HOOKGATE_CONFIG, else ./hookgate.toml, else none."""
    environ = {"HOOKGATE_CONFIG": "named.toml"}
    assert find_file(None, {}) is None
    assert find_file(None, environ) == "named.toml"
    write(MINIMAL)
    assert find_file(None, {}) == "hookgate.toml"
    assert find_file(None, environ) == "named.toml"
    assert find_file("given.toml", environ) == "given.toml"
    assert load(None, None, {}).upstream.url == "http://127.0.0.1:8080"
    write(MINIMAL.replace("8080", "8081"), "named.toml")
    assert load(None, None, environ).upstream.url == "http://127.0.0.1:8081"


# A value for each key that is not its default, as TOML or the environment would give it.
OTHER: dict[str, Any] = {
    "upstream.url": "http://127.0.0.1:9",
    "upstream.host": "example.com",
    "upstream.timeout": "6s",
    "upstream.max_connections": 5,
    "upstream.max_response": "5KiB",
    "upstream.ca_file": "readable",
    "upstream.client_cert": "readable",
    "upstream.client_key": "readable",
    "upstream.sign_key_file": "signing",
    "source.allow": ["203.0.113.0/24"],
    "source.allow_file": "networks",
    "source.watch": ["198.51.100.0/24"],
    "source.trusted_proxies": ["192.0.2.0/24", "2001:db8::1"],
    "source.trusted_proxies_file": "proxies",
    "source.header": "Forwarded",
    "request.methods": ["POST", "PUT"],
    "request.max_body": "5KiB",
    "request.max_depth": 5,
    "request.max_values": 5,
    **{f"checks.{name}": "observe" for name in ("method", "route", "media_type")},
    **{f"checks.{name}": "observe" for name in ("signature", "document", "contract")},
    "audit.path": "other.jsonl",
    "audit.personal_data": "omit",
    "audit.key_file": "readable",
    "audit.seal_key_file": "readable",
    "audit.fsync": "always",
    "alarm.gate": "gate1",
    "alarm.state": "state",
    "alarm.ledgers": ["nginx.log"],
    **{f"alarm.{name}": "5s" for name in ("silence", "ledger_fails", "ledger_gone", "custody")},
    **{f"alarm.{name}": "5s" for name in ("ledger_unread", "stopped", "not_ready", "workers")},
    **{f"alarm.{name}": "5d" for name in ("quarantine_old", "shipping", "certificate", "ranges")},
    **{f"alarm.{name}": "5 in 5s" for name in ("lost", "endpoint", "refusals", "near")},
    **{f"alarm.{name}": "off" for name in ("gate_fails", "restarts", "not_kept")},
    "alarm.quarantine_full": "50%",
    "quarantine.recipients": ["age1a56m7k9qa2ws3605l8y4cd383klfahj9e7t467vkze7rulvjsa6s0n7yrt"],
    "quarantine.keep": ["refused", "failed"],
    "quarantine.max_age": "5d",
    "fleet.name": "amsterdam",
    "fleet.dsn_file": "gate.dsn",
    "fleet.quarantine": "true",
    "quarantine.max_items": 5,
    "quarantine.max_bytes": "5MiB",
    "sidecar.listen": "127.0.0.1:0",
    "sidecar.socket_mode": "0600",
    "sidecar.max_connections": 5,
    "sidecar.workers": 2,
    "sidecar.max_foreign_connections": 5,
    "sidecar.max_unnamed_connections": 5,
    "sidecar.max_in_flight": 5,
    "sidecar.max_buffered": "5MiB",
    "sidecar.admin": "127.0.0.1:9180",
    "sidecar.ready_needs_upstream": "true",
    "sidecar.tls_cert": "readable",
    "sidecar.max_head": "5KiB",
    "sidecar.max_fields": 5,
    "sidecar.varying_fields": ["x-own-id"],
    **{f"sidecar.{name}": "5s" for name in ("head_timeout", "body_timeout", "keep_alive", "drain")},
    "sidecar.worker_timeout": "5s",
}
# Keys that mean nothing without another one.
NEEDY: dict[str, tuple[Any, dict[str, Any]]] = {
    "quarantine.path": (
        "kept",
        {"quarantine.recipients": "age1a56m7k9qa2ws3605l8y4cd383klfahj9e7t467vkze7rulvjsa6s0n7yrt"},
    ),
    "source.proxy_protocol": ("true", {"source.trusted_proxies": "192.0.2.1"}),
    "sidecar.tls_key": ("readable", {"sidecar.tls_cert": "readable"}),
    "sidecar.tls_client_ca": ("readable", {"sidecar.tls_cert": "readable"}),
}


def as_variable(value: Any) -> str:
    """As the environment gives it."""
    return ",".join(value) if isinstance(value, list) else str(value)


@pytest.fixture
def readable() -> None:
    """A file that is certificate, key and secret in one, and lists of networks and of keys."""
    Path("signing").write_text(f"whsec_{'A' * 32}\n")
    Path("networks").write_text("203.0.113.0/24\n")
    Path("proxies").write_text("192.0.2.0/24\n")
    certificate = trustme.CA().issue_cert("client.example")
    Path("readable").write_bytes(certificate.private_key_and_cert_chain_pem.bytes())


@pytest.mark.usefixtures("readable")
@pytest.mark.parametrize("path", OTHER)
def test_a_key_means_the_same_in_the_file_and_in_the_environment(path: str) -> None:
    """Every key can be set by either, and changes the digest."""
    section, name = path.split(".")
    value = OTHER[path]
    lines = [] if path == "upstream.url" else [MINIMAL.rstrip()]
    lines += [] if section == "upstream" and lines else [f"[{section}]"]
    toml = value == "true" or value
    by_file = load(write("\n".join([*lines, f"{name} = {json.dumps(toml)}"])), None, {})
    variables = {"HOOKGATE_UPSTREAM__URL": URL["upstream.url"]}
    variables |= {f"HOOKGATE_{section}__{name}".upper(): as_variable(value)}
    Path("hookgate.toml").unlink()
    by_environment = load(None, None, variables)
    assert by_file == by_environment == load(None, {**URL, path: value}, {})
    assert by_file.digest != load(None, URL, {}).digest


@pytest.mark.usefixtures("readable")
def test_no_two_configurations_have_a_digest() -> None:
    """Each key alone, a route and its contract's text lead to different ones."""
    configs = [load(None, {**URL, path: value}, {}) for path, value in OTHER.items()]
    for schema in ("{}", '{"type":"object"}'):
        Path("mine.json").write_text(schema)
        for path in ("/a", "/b"):
            route = f'[[route]]\npath = "{path}"\ncontract = "mine.json"\n'
            configs.append(load(write(MINIMAL + route, "routes.toml"), None, {}))
    digests = {config.digest for config in [*configs, load(None, URL, {})]}
    assert len(digests) == len(configs) + 1
    assert all(len(digest) == 12 and int(digest, 16) >= 0 for digest in digests)


def test_every_key_has_another_value_here() -> None:
    """A key that is added must be added above."""
    assert {*OTHER, *NEEDY} == {key.path for key in KEYS}


@pytest.mark.usefixtures("readable")
@pytest.mark.parametrize("path", NEEDY)
def test_a_key_that_needs_another_is_refused_without_it(path: str) -> None:
    """And changes the digest where it has it."""
    value, needs = NEEDY[path]
    assert next(iter(needs)).rpartition(".")[2] in problem(keys={path: value})
    assert load(None, {**URL, **needs, path: value}, {}) != load(None, {**URL, **needs}, {})


def test_the_digest_is_of_values_and_not_of_spellings() -> None:
    """Where a value came from and how it was written is no difference."""
    file = write(MINIMAL + "timeout = '5000ms'\n[request]\nmax_body = '1024 KiB'\n")
    assert load(file, None, {}).digest == load(None, URL, {}).digest


@pytest.mark.parametrize("name", ["HOOKGATE_PORT", "HOOKGATE_PORT_80_TCP", "HOOKGATE_SERVICE_HOST"])
def test_variables_without_two_underscores_are_left_alone(name: str) -> None:
    """Kubernetes injects such for a service of this name."""
    assert load(None, URL, {name: "tcp://10.0.0.1:80", "X__Y": "1", "PATH": "/"}) == load(
        None, URL, {}
    )


@pytest.mark.parametrize(
    "name",
    [
        *("HOOKGATE_REQUEST__MAX_BDY", "HOOKGATE_REQUESTS__MAX_BODY", "HOOKGATE__MAX_BODY"),
        *("HOOKGATE_REQUEST__", "HOOKGATE_request__max_body", "HOOKGATE_ROUTE__PATH"),
        *("HOOKGATE_REQUEST___MAX_BODY", "HOOKGATE_CHECKS__SOURCE"),
    ],
)
def test_variables_that_name_no_key_are_refused(name: str) -> None:
    """With the name, and not with the value."""
    line = problem(None, {name: "canary"})
    assert f"${name} names no key" in line
    assert "canary" not in line
