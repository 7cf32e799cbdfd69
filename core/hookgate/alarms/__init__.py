"""What a person on call is told of, and by which channels."""
