"""What was not delivered, kept so that the gate itself cannot read it."""
