"""Exit statuses, and errors as a line on stderr."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from hookgate.config.error import ConfigError
from hookgate.ledger.writing.opening import LedgerError
from hookgate.wording import first_few
from hookgate_sidecar.errors import ListenError

from .terminal import Terminal, printable

# What init systems go by: a start that FAILED may succeed later, MISUSE has to be mended first.
FINDING = FAILED = 1
MISUSE = 2

err = Terminal(stderr=True)


def fail(message: str | Sequence[str], status: int = MISUSE) -> NoReturn:
    """Print each message on a line of stderr, of very many the first, and exit with `status`.

    What a message quotes is escaped, so that it cannot begin a line.
    """
    for line in (message,) if isinstance(message, str) else first_few(message):
        err.print(printable(f"hookgate: {line}"), soft_wrap=True)
    sys.exit(status)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Print errors that a user can mend without a traceback, and exit.

    The status is 2 for a ConfigError, 1 for a ledger or an address that cannot be used, and for a
    reader that has closed the pipe.
    """
    try:
        yield
    except ConfigError as error:
        fail(error.problems)
    except (LedgerError, ListenError) as error:
        fail(str(error), FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(FINDING)
