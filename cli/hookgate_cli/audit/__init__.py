"""`hookgate audit`: what the ledger can tell."""
