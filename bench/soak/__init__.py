"""Everything at once for a while: `python -m bench.soak` from the repository's folder.

`site` is what all processes agree on; `senders` load the gate, `endpoint` is behind it, `chaos` is
done to it, and `verdict` judges what came of it.
"""
