"""The gate: one delivery from its first header to its last record, and what all of them share."""
