"""Configurations that are refused, and what is said of them."""

from pathlib import Path
from typing import Any

import pytest

from hookgate.config.build import load
from hookgate.config.error import ConfigError

URL = {"upstream.url": "http://127.0.0.1:8080"}
MINIMAL = '[upstream]\nurl = "http://127.0.0.1:8080"\n'


def write(content: str, name: str = "hookgate.toml") -> str:
    """Write a file in the working directory and return its name."""
    Path(name).write_text(content, encoding="utf-8")
    return name


def problems(
    file: str | None = None,
    environ: dict[str, str] | None = None,
    keys: dict[str, Any] | None = None,
) -> list[str]:
    """What is wrong with these; `keys` override a sound minimum."""
    with pytest.raises(ConfigError) as caught:
        load(file, {**URL, **(keys or {})}, environ or {})
    assert str(caught.value).splitlines() == caught.value.problems
    return caught.value.problems


def problem(
    file: str | None = None,
    environ: dict[str, str] | None = None,
    keys: dict[str, Any] | None = None,
) -> str:
    """The only thing wrong with these."""
    (only,) = problems(file, environ, keys)
    return only
