"""What can be asked of a ledger's lines. Each module reads them once, in bounded memory.

- Are they as they were written? `chain`, by `numbered`, `old_format`, `links` and `ends`; `proven`
  passes on only those that are.
- Is every request accounted for? `balance`, by `boot_account` and `intervals`.
- How many were there, and how fast? `stats`, by `counters`, or `duckdb_stats` where it is much;
  `query` and `times` say of when and which.
- What became of an event? `search` and `losses`; `identity` says what an event is, `fate` how it
  ended, `explain` why.

`findings` is how all of them say what is wrong.
"""
