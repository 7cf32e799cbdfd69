"""What was answered, and what the parsers of the configuration say to it."""

from dataclasses import dataclass, field
from typing import Any

from hookgate.config.build import build
from hookgate.config.error import ConfigError
from hookgate.config.keys import KEYS
from hookgate.config.layers import Given, Sources
from hookgate.settings import Config
from hookgate_cli.common import ASSUMED_UPSTREAM

from .places import PLACES, Place

PROXY_PROTOCOL = "proxy-protocol"


@dataclass
class Answers:
    """Hold what is known so far: keys by `section.name` as TOML gives them, and routes."""

    place: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    routes: list[dict[str, Any]] = field(default_factory=list)
    is_sealed: bool = False

    @property
    def where(self) -> Place:
        """Return the place that it will run in."""
        return PLACES[self.place]


def build_config(answers: Answers) -> Config:
    """Check what is known so far as the gate would. Raises `ConfigError`.

    What is not known yet counts as its default; of what the place brings nothing is read, for its
    files are elsewhere.
    """
    keys = {key.path: Given(key.default, "default") for key in KEYS}
    known = {"upstream.url": ASSUMED_UPSTREAM} | answers.keys
    keys |= {name: Given(value, "default") for name, value in known.items()}
    routes = Given(answers.routes, "--webhook")
    config = build(Sources(keys, routes, Given([], "default"), []))
    if answers.place and (why := answers.where.refuses(config)):
        raise ConfigError([why])
    return config
