"""`hookgate nginx`: render the includes, and see whether those deployed are still right."""

from datetime import UTC, date, datetime
from difflib import unified_diff
from operator import methodcaller
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hookgate.config.layers import gather
from hookgate.networks.ranges import SHIPPED
from hookgate.nginx import Names, RenderError, tell_relayed
from hookgate.nginx import render as render_files
from hookgate.paths import is_folder
from hookgate.settings import Config

from .common import ASSUMED_UPSTREAM, FINDING, ConfigOption, JsonOption, err, fail, load_config, out
from .replacing import refuse_foreign
from .terminal import print_json, printable

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The nginx includes of a configuration."
)

# Ranges that nobody has looked at for so long deserve a look.
_REVIEW_DAYS = 180
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}

LogOption = Annotated[
    str,
    typer.Option(
        "--log",
        metavar="FILE",
        help=f"Where nginx is to write its records; else {Names().default_log}, with --name in it.",
    ),
]
NameOption = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Stands in the names of files, variables, log format and upstream: for a second "
        "endpoint in one nginx.",
    ),
]


@app.command()
def render(
    folder: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to write; made if it is missing.")
    ] = Path("nginx"),
    log: LogOption = "",
    name: NameOption = "",
    config: ConfigOption = None,
) -> None:
    """Write the includes that do in nginx what this configuration says.

    Each file tells where to include it. docs/nginx.md says what nginx cannot decide.

    Examples:

      hookgate nginx render --out /etc/nginx/hookgate

      hookgate nginx render --log /srv/log/events.jsonl

      hookgate nginx render -c orders.toml --name orders --out /etc/nginx
    """
    settings = _load(config)
    files = _render(settings, log, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            begins = text.partition("\n")[0].encode()
            what = f"what hookgate nginx render writes, which begins with: {begins.decode()}"
            refuse_foreign(
                str(folder / file), folder / file, methodcaller("startswith", begins), what
            )
        for file, text in files.items():
            (folder / file).write_text(text, encoding="ascii")
    except OSError as error:
        fail(f"{error.filename} cannot be written: {error.strerror}")
    out.print(f"Wrote {', '.join(files)} to {printable(folder)}/.", soft_wrap=True)
    out.print("Then: nginx -t && nginx -s reload")
    if said := tell_relayed(settings):
        out.print(printable(said), soft_wrap=True)


@app.command()
def diff(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the includes are deployed.")],
    log: LogOption = "",
    name: NameOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare deployed includes with what this configuration renders to.

    Exits 1 if one differs or is missing, and says when the ranges were last reviewed.

    Example:

      hookgate nginx diff /etc/nginx/hookgate
    """
    if not is_folder(folder):
        fail(f"{folder} is no folder; name the one that holds the includes")
    changes = {
        file: change
        for file, text in _render(_load(config), log, name).items()
        if (change := _compare(folder / file, text))
    }
    if as_json:
        reviewed = {name: ranges.reviewed for name, ranges in SHIPPED.items()}
        report = {"differs": sorted(changes), "diff": changes, "reviewed": reviewed}
        print_json(report, indent=2)
    else:
        _show(folder, changes)
    if changes:
        raise typer.Exit(FINDING)


def _load(config: str | None) -> Config:
    settings = load_config(config, offline=True)
    if not gather(config).keys["upstream.url"].value:
        err.print(f"upstream.url is not set; {ASSUMED_UPSTREAM} is assumed")
    for route in settings.routes:
        if route.signature is not None:
            path = printable(route.path)
            err.print(f"warning: nginx checks no signature on {path}", soft_wrap=True)
    if settings.upstream.sign_keys:
        err.print("warning: nginx signs nothing for the endpoint (upstream.sign_key_file)")
    return settings


def _render(settings: Config, log: str, name: str) -> dict[str, str]:
    try:
        return render_files(settings, log, name)
    except RenderError as error:
        fail(str(error))


def _compare(file: Path, wanted: str) -> list[str]:
    try:
        deployed = file.read_text(encoding="utf-8", errors="backslashreplace")
    except FileNotFoundError:
        return [f"{file} is missing"]
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    lines = unified_diff(
        deployed.splitlines(), wanted.splitlines(), str(file), f"{file.name}, rendered", lineterm=""
    )
    return list(lines)


def _show(folder: Path, changes: dict[str, list[str]]) -> None:
    for lines in changes.values():
        for line in lines:
            colour = "bold" if line.startswith(("---", "+++")) else _COLOURS.get(line[:1], "")
            out.print(Text(printable(line.expandtabs()), style=colour), soft_wrap=True)
    if not changes:
        out.print(f"{printable(folder)}: as this configuration renders.", soft_wrap=True)
    for name, ranges in SHIPPED.items():
        age = (datetime.now(UTC).date() - date.fromisoformat(ranges.reviewed)).days
        note = f"The ranges of {name} were reviewed on {ranges.reviewed}, {age} days ago"
        stale = f"; compare them with {ranges.page}" if age > _REVIEW_DAYS else ""
        out.print(f"{note}{stale}.", soft_wrap=True)
