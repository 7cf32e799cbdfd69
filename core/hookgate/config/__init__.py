"""The configuration: where its keys come from, what they may hold, and what becomes of them."""
