"""Logging in to the store, with an end in any case."""

import os
import socket
from contextlib import suppress
from typing import Any

import psycopg

from .error import StoreError, tell

Connection = psycopg.Connection[tuple[object, ...]]
_SECONDS = 5  # for each address that its host has


def connect(dsn: str, **options: Any) -> Connection:
    """Connect with psycopg's options; what the DSN leaves out is that of libpq's environment.

    Raises `StoreError`.
    """
    try:
        return psycopg.connect(dsn, connect_timeout=_SECONDS, **options)
    except psycopg.Error as error:
        raise StoreError(tell(error)) from None
    except UnicodeError:  # of Python's codec of host names, which psycopg lets through
        raise StoreError("the name of its host cannot be one: see its dots") from None


def break_off(connection: Connection) -> None:
    """Break a connection under whoever waits for an answer by it.

    A server that stands still acknowledges every packet and answers none: no timeout of TCP ends
    that.
    """
    with suppress(OSError, psycopg.Error):
        line = socket.socket(fileno=os.dup(connection.fileno()))
        with line:
            line.shutdown(socket.SHUT_RDWR)
