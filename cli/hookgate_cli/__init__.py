"""The `hookgate` command."""
