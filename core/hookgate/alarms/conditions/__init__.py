"""What is wrong with a gate: each condition by itself."""
