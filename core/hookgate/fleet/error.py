"""What is wrong with a store, in words that hold no part of its DSN."""

import psycopg

# By SQLSTATE or its class: what is wrong, with the mend.
_WORDS = {
    "28P01": "the store refuses the password: see fleet.dsn_file",
    "28": "the store lets this login not in: see its pg_hba.conf and fleet.dsn_file",
    "3D000": "there is no such database: see dbname in fleet.dsn_file",
    "3F000": "the database holds no fleet: hookgate fleet init",
    "42501": "this login may not do that: hookgate fleet init --gate NAME makes one for a gate",
    "42883": "the store is of another version: hookgate fleet init brings it to this one",
    "53": "the store is full, or has no connection left",
    "57P03": "the store is starting or stopping",
    "57014": "the store took too long",
}


class StoreError(Exception):
    """Why a store cannot be used, in a line."""


def tell(error: psycopg.Error) -> str:
    """Say it in words. psycopg's own hold host, user and database."""
    state = error.sqlstate or ""
    words = _WORDS.get(state) or _WORDS.get(state[:2])
    if words is not None:
        return words
    if state:
        return f"the store says {state} ({type(error).__name__})"
    if "certificate" in str(error):
        return "the store's certificate is not trusted: see sslrootcert in fleet.dsn_file"
    return "the store cannot be reached"
