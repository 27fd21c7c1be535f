"""Which two labels are one? Those that look alike without case, width, quotes and a final full stop."""

from __future__ import annotations

import unicodedata

_QUOTES = frozenset(('""', "''", "``", "“”", "„“", "””", "«»", "»«", "「」", "『』", "\u2018\u2019", "\u2039\u203a"))
_FULL_STOPS = ".。"


def fold(text: str) -> str:
    """Strip what models put around a label (space, quotes, one final full stop) and forget case and width."""
    bare = text.strip()
    stopped = False
    while bare:
        inner = bare
        if not stopped and len(bare) > 1 and bare[-1] in _FULL_STOPS:
            inner, stopped = bare[:-1], True
        elif len(bare) > 1 and bare[0] + bare[-1] in _QUOTES:
            inner = bare[1:-1]
        if inner == bare:
            break
        bare = inner.strip()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", bare).casefold()).strip()
