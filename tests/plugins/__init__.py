"""Somebody else's backends and checks: built, installed and used as a stranger would."""
