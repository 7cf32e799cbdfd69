"""Ledgers read back: from files as they are found, rotated, compressed or damaged, to lines.

`reader` joins it all: `files` says which files are a ledger's, `source` opens one by `decoding`
and `wrappers`, `copies` tells what several hold alike, `parsing` makes a record of a line.
`sieve` tells by their bytes which lines need not be parsed, and `ahead` has each core do so.
`following` reads a file that grows, and from its end.
"""
