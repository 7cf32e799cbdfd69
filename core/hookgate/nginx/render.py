"""The files by name, rendered from a configuration."""

from hookgate.settings import Config

from .allow import render_allow
from .example import render_example
from .http_block import render_http
from .location import render_location
from .names import Names
from .realip import render_realip
from .syntax import RenderError


def render(config: Config, log: str = "", name: str = "") -> dict[str, str]:
    """Return the includes' texts by file name.

    `log` is where nginx is to write its records, "" for the usual place. `name` tells this
    rendering from others in the same nginx. Raises `RenderError` for what nginx cannot do.
    """
    names = Names(name)
    if config.source.header == "forwarded" and not config.source.proxy_protocol:
        raise RenderError(
            'source.header = "forwarded" cannot be read by nginx; let the proxy in front send '
            'X-Forwarded-For and set "x-forwarded-for"'
        )
    files = {
        "hookgate-allow.conf": render_allow(config),
        "hookgate-http.conf": render_http(config, names),
        "hookgate-location.conf": render_location(config, names, log or names.default_log),
        "hookgate-realip.conf": render_realip(config),
        "example.conf": render_example(config),
    }
    return {
        names.file(file): "".join(f"{names.apply(line)}\n" for line in lines)
        for file, lines in files.items()
    }
