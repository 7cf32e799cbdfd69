"""`hookgate audit`: what the ledger can tell."""

from hookgate_cli.verb_group import verb_group

_VERBS = (
    *("tail", "show", "stats", "explain", "fate", "duplicates", "balance", "verify", "report"),
    *("prove", "receipt"),
)
app = verb_group(__name__, _VERBS, "What the ledger can tell.")
