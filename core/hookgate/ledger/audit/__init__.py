"""What can be asked of a ledger's lines, in bounded memory.

- Are they as they were written? `chain`, by `verifier`, `numbered`, `old_format`, `links` and
  `ends`; `chain_scan` finds those that plainly are. `proven` passes on only those that are.
  Is what an operational log saw there? `against`, by what `witness` remembers.
- Is every request accounted for? `balance`, by `boot_account`, `intervals` and `totals`;
  `balance_scan` adds up what is plain.
- How many were there, and how fast? `stats`, by `counters`; where it is much `duckdb_stats`, by
  `duckdb_sql` and `duckdb_run`. `query` and `times` say which, and of when.
- What became of an event? `search` and `losses`; `identity` says what an event is, `fate` how it
  ended, `retries` whether it comes again, `explain` why.

`findings` is how they say what is wrong.
"""
