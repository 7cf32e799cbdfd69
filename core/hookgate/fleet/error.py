"""What is wrong with a store, in words that hold no part of its DSN."""

import psycopg

# By SQLSTATE or its class: what is wrong, with the mend.
_STATES = {
    "3F000": "the database holds no fleet: hookgate fleet init makes one",
    "42501": "this login may not do that: gates log in with the file that hookgate fleet init"
    " --gate wrote, readers as members of hookgate_reader",
    "42883": "the store is of another version: bring the older of both to the other's, a store with"
    " hookgate fleet init",
    "42P01": "the database holds no fleet: hookgate fleet init makes one",
    "25006": "the store takes no writes: it is a standby",
    "53": "the store is full, or has no connection left",
    "55P03": "somebody reads or writes there: try it again",
    "57014": "the store took too long",
    "57P": "the store is starting or stopping",
}
# By what libpq says where there was no connection yet: it tells no SQLSTATE then. The first counts.
_SAYINGS = {
    "root certificate file": "the file in sslrootcert cannot be read",
    "does not match host name": "the store's certificate is for another name: write that as host,"
    " and its address as hostaddr",
    "certificate": "the store's certificate is not trusted: name its authority in sslrootcert, and"
    " see that it has not expired",
    "does not support SSL": "the store speaks no TLS, which the DSN asks for: set ssl = on there",
    "no password supplied": "the store wants a password, and the DSN has none",
    "password authentication failed": "the store refuses the password: hookgate fleet init --gate"
    " makes another one",
    "no pg_hba.conf entry": "the store lets this login not in from here: see its pg_hba.conf",
    "not permitted to log in": "this login is none that may log in",
    "permission denied for database": "this login may not connect to the database",
    "does not exist": "there is no such login or database",
    "too many": "the store has no connection left",
    "connection slots": "the store has no connection left",
    "starting up": "the store is starting or stopping",
    "shutting down": "the store is starting or stopping",
    "not yet accepting": "the store is starting or stopping",
    "resolve host": "the name of its host is not known here",
    "refused": "nothing listens there: connection refused",
    "timeout": "it does not answer",
    "timed out": "it does not answer",
    "SSL": "the store does not speak TLS as the DSN wants it",
    "closed the connection": "the connection broke off",
    "connection is closed": "the connection broke off",
}


class StoreError(Exception):
    """Why a store cannot be used, in a line."""


def tell(error: psycopg.Error) -> str:
    """Say it in words. psycopg's own hold host, user and database."""
    state = error.sqlstate or ""
    for length in (5, 3, 2):
        if (words := _STATES.get(state[:length])) is not None:
            return words
    if state:
        return f"the store says {state} ({type(error).__name__})"
    if isinstance(error, psycopg.ProgrammingError):
        return "the DSN cannot be read: it is written like host=db.example.com dbname=hookgate"
    text = str(error)
    for saying, words in _SAYINGS.items():
        if saying in text:
            return words
    return "the store cannot be reached"
