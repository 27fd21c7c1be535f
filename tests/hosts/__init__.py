"""Backends in processes of their own: every host that a test starts ends with it."""
