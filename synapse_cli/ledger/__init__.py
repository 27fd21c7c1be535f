"""The record: every run, decision, attempt and call in one SQLite file."""
