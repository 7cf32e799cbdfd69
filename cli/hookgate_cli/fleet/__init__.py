"""`hookgate fleet`: the store of many gates' ledgers."""

from importlib.util import find_spec

from hookgate_cli.verb_group import verb_group

if find_spec("psycopg") is None:
    raise ImportError("the package psycopg is missing: pip install 'hookgate[fleet]'")

_ABOUT = "The ledgers of many gates in one PostgreSQL: docs/fleet.md."
app = verb_group(__name__, ("init", "status", "expire"), _ABOUT)
