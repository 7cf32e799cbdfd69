"""Replay: what is kept goes to the endpoint, by the policy of now, through a gate of its own."""
