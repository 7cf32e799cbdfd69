"""Addresses and networks as people and programs write them."""
