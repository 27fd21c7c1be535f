"""Synapse answers a prompt with the cheapest model that is good enough, and proves it."""

__version__ = "0.1.0"
