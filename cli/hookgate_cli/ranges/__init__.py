"""`hookgate ranges`: whether the allowed ranges are still those of the provider."""

from hookgate_cli.verb_group import verb_group

app = verb_group(__name__, ("check",), "Whether the allowed ranges are still CM.com's.")
