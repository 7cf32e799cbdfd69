"""Foreign senders that look like the provider, told from their heads alone. Pure, told the time."""
