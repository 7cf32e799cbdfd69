"""Options that several verbs share stand in each as if they were written there."""

from typing import Annotated, NamedTuple

import typer
from typer.testing import CliRunner

from hookgate_cli.option_groups import grouped


class Place(NamedTuple):
    """Two options."""

    host: Annotated[str, typer.Option("--host")] = "localhost"
    port: Annotated[int | None, typer.Option("--port", min=1)] = None


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()

    @app.command()
    @grouped
    def verb(
        name: str,
        *,
        first: Annotated[bool, typer.Option("--first")] = False,
        place: Place,
        last: Annotated[bool, typer.Option("--last")] = False,
    ) -> None:
        """Say what was given."""
        typer.echo(f"{name} {first} {place} {last}")

    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.output


def test_a_group_is_given_whole() -> None:
    assert run("a", "--last", "--port", "7") == (
        0, "a False Place(host='localhost', port=7) True\n",
    )  # fmt: skip


def test_its_options_stand_in_its_place() -> None:
    status, text = run("--help")
    assert status == 0
    places = [text.index(name) for name in ("--first", "--host", "--port", "--last")]
    assert places == sorted(places)
    assert "Say what was given." in text


def test_its_options_are_checked() -> None:
    assert run("a", "--port", "0")[0] == 2


def test_a_verb_may_be_called_without_them() -> None:
    given = []

    @grouped
    def verb(name: str, *, place: Place) -> None:
        given.append((name, place))

    verb("a")
    verb("b", port=7)
    assert given == [("a", Place()), ("b", Place(port=7))]
