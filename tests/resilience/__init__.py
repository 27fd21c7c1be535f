"""Providers that fail: how they are found out, left alone, and tried again."""
