"""`hookgate init`: ask what a first set-up needs, and write it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from hookgate_cli.common import out
from hookgate_cli.installation import own_program
from hookgate_cli.terminal import printable

from .asking import collect
from .files import CONFIG, make_files
from .folder import refuse_present, write
from .places import PLACES
from .trial import before, notes, trial, use


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to write; made if missing.")] = Path(
        "hookgate"
    ),
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="PLACE", help=f"Where it will run: {', '.join(PLACES)}."),
    ] = None,
    upstream: Annotated[
        str | None, typer.Option("--upstream", metavar="URL", help="Where clean events go.")
    ] = None,
    webhook: Annotated[
        list[str] | None,
        typer.Option(metavar="CONTRACT=PATH", help="A webhook; may be given several times."),
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CIDR", help='A proxy or balancer in front, or "none"; several times likewise.'
        ),
    ] = None,
    client_by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="How those name the client: proxy-protocol, or a field's name."
        ),
    ] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where to listen.")
    ] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option(metavar="AGE1", help="Keep what is refused, encrypted to this public key."),
    ] = None,
    seal: Annotated[
        bool | None, typer.Option("--seal/--no-seal", help="Make a key that seals the ledger.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take defaults for what is not given.")
    ] = False,
) -> None:
    """Write what a first set-up needs into a folder, and say how to try it.

    At a terminal it asks for what no option gives; each answer is checked at once. It overwrites
    nothing.

    Examples:

      hookgate init

      hookgate init /etc/hookgate --on systemd

      hookgate init --on nginx --upstream http://127.0.0.1:8080 -y
    """
    folder = folder.absolute()
    refuse_present(folder, [CONFIG, "kubernetes.yaml"])
    given = {
        "--on": on,
        "--upstream": upstream,
        "--webhook": _joined(webhook),
        "--proxy": _joined(proxy),
        "--client-by": client_by,
        "--listen": listen,
        "--recipient": _joined(recipient),
        "--seal": None if seal is None else "yes" if seal else "no",
    }
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    answers = collect(given, is_terminal=is_terminal, takes_defaults=yes)
    files = make_files(answers, folder, own_program())
    write(folder, files)
    out.print(f"Wrote {', '.join(file.name for file in files)} to {folder}/.", soft_wrap=True)
    for note in notes(answers):
        out.print(printable(note), soft_wrap=True)
    _tell("Before it is tried:", before(answers, folder))
    about = " The first one runs until Ctrl-C." if answers.place != "kubernetes" else ""
    _tell(f"Try it, each command in a terminal of its own.{about}", trial(answers, folder))
    as_root = ", as root" if answers.place in ("systemd", "nginx") else ""
    _tell(f"To put it to use{as_root}:", use(answers, folder))


def _joined(items: list[str] | None) -> str | None:
    return None if items is None else " ".join(items)


def _tell(about: str, lines: list[str]) -> None:
    if lines:
        out.print(f"\n{about}\n", soft_wrap=True)
        for line in lines:
            out.print(f"  {line}", soft_wrap=True)
