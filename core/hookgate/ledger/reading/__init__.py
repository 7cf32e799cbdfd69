"""Ledgers read back: from files as they are found, rotated, compressed or damaged, to lines.

`reader` joins it all: `files` says which files are a ledger's, `source` opens one by `decoding`
and `wrappers`, `copies` tells what several hold alike, `parsing` makes a record of a line.
`following` reads a file that grows, and from its end.

`scanning` reads many lines at a time, `pieces` of files in processes that are `forked`; most are
`usual`, and `again` reads those that are asked for one by one.
"""
