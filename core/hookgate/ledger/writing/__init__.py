"""The way to the disk: `journal` queues records, `sink` is the file they go to.

Beside it `sums` counts what gets no line, `sync` says when a sync is due, and `sight` finds out
what is gone where somebody deletes or cuts the file.
"""
