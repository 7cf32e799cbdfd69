"""The way to the endpoint: what is sent, over which connection, and why none answered."""
