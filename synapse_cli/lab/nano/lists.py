"""Read a list of words that is written as running text."""

from __future__ import annotations


def listed(text: str, between: str | None = None) -> list[str]:
    """The words of `text`, or its parts between a sign."""
    return [part.strip() for part in text.split(between)]
