"""The ledger: one record per delivery, written when it is true, provably complete.

`journal` writes it; `reader` reads it, and upon that `query`, `stats`, `balance`, `chain`,
`search`, `losses` and `explain`. `identity` says what an event is, `fate` how it ended.
"""
