"""Every gate's ledger in one PostgreSQL: what is sent there, and what is read back."""
