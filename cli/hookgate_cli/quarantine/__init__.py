"""`hookgate quarantine`: what is kept, and how it is given back or erased."""

from hookgate_cli.verb_group import verb_group

_VERBS = ("list", "show", "replay", "purge", "stats")
_ABOUT = "What was kept of what was refused, and how it is given back."
app = verb_group(__name__, _VERBS, _ABOUT)
