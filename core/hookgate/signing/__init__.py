"""Signatures of webhooks: who sent what comes in, and that what goes out passed the gate. Pure."""
