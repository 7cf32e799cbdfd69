"""The mitmproxy front. Not built yet: use `hookgate serve`."""
