"""What is to be seen of gates that run: asked of them, kept for a quarter of an hour, and told."""
