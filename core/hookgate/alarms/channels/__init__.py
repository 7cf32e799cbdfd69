"""By what a person on call is told: URLs and commands."""
