"""Ledgers read back: from files as they are found, rotated, compressed or damaged, to lines.

`reader` joins it all: `files` says which files are a ledger's, `source` opens one by `decoding`
and `wrappers`, `copies` tells what several hold alike, `parsing` makes a record of a line.
`scanning` does so on each core, with `forked`, in `pieces` of which
most lines are `usual` and need not be told one by one. `following` reads a file that grows, and from its end.
"""
