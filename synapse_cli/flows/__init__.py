"""The shape: how one request goes through choice, climb, cache and record."""
