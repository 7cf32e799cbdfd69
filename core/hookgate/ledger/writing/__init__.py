"""The way to the disk, one record after the other.

- `journal` is what the gate knows: the queue, the backlog, and what is to be done each second.
- `pipeline` makes lines of records, by `line`, and keeps the end of their chain.
- `ledger_file` is the file over failures and rotations, `sink` an open one, by `opening` or
  `stream`; `sync` says when a sync is due, `background` does it.
- `sums` counts what gets no line, `clock` tells a line's time.
- `gaps` watches for lines that vanish, `sight` finds out which; `state_file` names the last one.
"""
