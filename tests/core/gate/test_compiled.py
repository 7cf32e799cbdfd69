"""A configuration is compiled whole or not at all, and keeps the pool that it can."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.gate.compiled import CompiledConfig, compile_config
from hookgate.settings import Config

URL = "http://127.0.0.1:1"


def config(**keys: object) -> Config:
    return load(None, {"upstream.url": URL, "source.allow": ["127.0.0.1"], **keys}, {})


def compiled(*configs: Config) -> list[CompiledConfig]:
    """One after the other, each knowing the one before it."""

    async def compile_all() -> list[CompiledConfig]:
        found: list[CompiledConfig] = []
        for each in configs:
            found.append(compile_config(each, "test", found[-1] if found else None))
        return found

    return asyncio.run(compile_all())


@pytest.mark.parametrize(
    ("keys", "kept"),
    [
        ({}, True),
        ({"request.max_body": "2KiB"}, True),
        ({"upstream.timeout": "9s"}, False),
        ({"upstream.url": "http://127.0.0.1:2"}, False),
    ],
    ids=["the same", "another bound", "another deadline", "another endpoint"],
)
def test_the_pool_is_kept_where_it_sends_by_the_same_settings(
    keys: dict[str, object], kept: bool
) -> None:
    """Else every reload would cost its connections."""
    former, latter = compiled(config(), config(**keys))
    assert (latter.upstream is former.upstream) is kept
    assert latter.policy is not former.policy


@pytest.mark.parametrize(
    ("host", "sent"),
    [("preserve", b""), ("upstream", b"127.0.0.1:1"), ("events.example", b"events.example")],
)
def test_the_host_that_replaces_the_senders(host: str, sent: bytes) -> None:
    assert compiled(config(**{"upstream.host": host}))[0].host == sent


@pytest.mark.parametrize(
    ("header", "field"),
    [("x-forwarded-for", b""), ("cf-connecting-ip", b"cf-connecting-ip")],
)
def test_only_a_field_that_holds_one_address_is_dropped_by_name(header: str, field: bytes) -> None:
    """The chains are written anew in any case."""
    keys = {"source.header": header, "source.trusted_proxies": ["127.0.0.2"]}
    assert compiled(config(**keys))[0].client_field == field


def test_tls_files_that_cannot_be_used_any_more_are_told(tmp_path: Path) -> None:
    """They were read when the configuration was checked, and may have changed since."""
    ca = tmp_path / "ca.pem"
    ca.write_text("no certificate")
    checked = config()
    upstream = replace(checked.upstream, url="https://127.0.0.1:1", ca_file=str(ca))
    with pytest.raises(ValueError, match="holds no CA certificate"):
        compiled(replace(checked, upstream=upstream))
