"""Decide whether an answer is the expected one."""

from __future__ import annotations

import json
import unicodedata

FREE = {"extraction"}


def is_right(task: str, said: str, expected: object) -> bool:
    """Labels by casefolded NFKC; extraction up to quotes and a final full stop; JSON by value."""
    if isinstance(expected, dict | list):
        try:
            return _trimmed(json.loads(said)) == _trimmed(expected)
        except json.JSONDecodeError:
            return False
    wanted = str(expected)
    return _bare(said) == _bare(wanted) if task in FREE else _folded(said) == _folded(wanted)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _bare(text: str) -> str:
    stripped = text.strip()
    stripped = stripped.removesuffix(".").strip()
    return (
        stripped.strip("\"'`\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}“”").removesuffix(".").strip()
    )


def _trimmed(value: object) -> object:
    if isinstance(value, dict):
        return {str(k).strip(): _trimmed(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_trimmed(v) for v in value]
    return value.strip() if isinstance(value, str) else value
