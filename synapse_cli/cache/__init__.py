"""The answer kept: finished calls with their verdicts, decisions, and whole command lines."""
