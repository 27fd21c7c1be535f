"""Answers to nearly the same prompt: who says so, how sure that is, and that nobody gets another's."""
