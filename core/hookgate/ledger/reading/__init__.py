"""Ledgers read back: from files as they are found, rotated, compressed or damaged, to lines.

`reader` joins it all: `files` says which files are a ledger's, `source` opens one by `decoding`
and `wrappers`, `copies` tells what several hold alike, `parsing` makes a record of a line.
`following` reads a file that grows, and from its end.

Large ledgers are read `ahead`, in `pieces`, by processes that are `forked`. Of most lines they tell
by their bytes what is to be known: `sifting` finds by a `sieve` the lines that need to be seen;
`scanning` makes runs of those that are `usual`, and `again` reads such lines one by one.
"""
