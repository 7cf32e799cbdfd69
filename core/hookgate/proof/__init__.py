"""What lets others check a ledger: Merkle trees over its lines, and signed heads of them."""
