"""What is seen of a gate: its ledgers, its admin listener, its files."""
