"""The report as one HTML page, which by its own Content-Security-Policy fetches nothing."""

import base64
import json
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from typing import Any

import jinja2
import vl_convert
from markupsafe import Markup

from hookgate import __version__
from hookgate_cli.terminal import printable

from . import drift, headline, integrity, latency, traffic
from .findings import Findings
from .parts import when

_FOLDER = files(__package__)


def bundle() -> Iterator[str]:
    """Yield the page's script and the chart library in one; it takes more than a second."""
    yield vl_convert.javascript_bundle(_read("page.js"))


def render(found: Findings, script: str) -> str:
    """Render the page with its script; every text of the ledger is escaped and made printable.

    Raises ValueError where the chart library cannot stand inside a page.
    """
    summary = found.summary
    parts = [
        traffic.timeline(summary),
        traffic.reasons(summary),
        integrity.losses(found),
        traffic.kinds(summary),
        traffic.origins(summary),
        latency.latency(summary),
        drift.drift(summary),
        integrity.integrity(found),
    ]
    charts = {c.id: c.spec for section in parts for part in section.parts for c in part.charts}
    style = _read("page.css")
    if "</script" in script.lower() or "<!--" in script:
        raise ValueError("the chart library cannot stand inside a page")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    return environment.from_string(_read("page.html.j2")).render(
        policy=f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)};"
        " base-uri 'none'; form-action 'none'",
        style=Markup(style),  # noqa: S704  # the package's own file
        script=Markup(script),  # noqa: S704  # the chart library's
        charts=_as_data(charts),
        first=when(summary.span.first).text,
        last=when(summary.span.last).text,
        verdicts=headline.verdicts(found),
        tiles=headline.tiles(summary),
        sections=parts,
        ledgers=summary.files,
        lines=summary.lines,
        version=__version__,
    )


def _printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _printable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    return printable(value) if type(value) is str else value


def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


def _as_data(value: object) -> Markup:
    """JSON that no parser of HTML takes for the end of its script element; texts made printable."""
    escaped = json.dumps(_printable(value)).translate(
        {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&"}
    )
    return Markup(escaped)  # noqa: S704  # escaped just now
