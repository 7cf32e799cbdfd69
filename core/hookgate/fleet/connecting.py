"""Logging in to the store, with an end in any case."""

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
