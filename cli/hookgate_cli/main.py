"""The command's entry point."""

import sys
from contextvars import copy_context

from .plain_serve import read
from .terminal import escape_unencodable, printable


def main(arguments: list[str] | None = None) -> None:
    """Run the command with `arguments`, the process's own unless given.

    Always exits; with 2 where an option is wrong, or a library is missing or broken.
    """
    escape_unencodable()
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        given = read(arguments)
        if given is None:
            copy_context().run(_run_verb, arguments)
        else:
            from .serving import serve  # noqa: PLC0415  # other verbs work where it does not

            serve(**given)
    except ImportError as error:
        told = printable(str(error).partition("\n")[0])
        sys.stderr.write(f"hookgate: {told}; the installation is not whole: install it anew\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit()


def _run_verb(arguments: list[str]) -> None:
    # typer takes as long to import as the whole gate.
    from .errors import FAILED, fail  # noqa: PLC0415
    from .usage import MisuseError, mistake  # noqa: PLC0415  # as above
    from .verbs import app  # noqa: PLC0415  # as above

    try:
        status = app(arguments, prog_name="hookgate", standalone_mode=False)
    except MisuseError as error:
        fail(mistake(error))
    except OSError as error:
        if error.filename is None:
            raise
        fail(f"{error.filename} cannot be used: {error.strerror}", FAILED)
    sys.exit(status)
