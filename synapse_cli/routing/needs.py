"""Does a prompt need what no model knows by itself: the time, a search, a calculation, a file? Told by its wording.

Only what is typed is looked at, not a text that comes with it: a letter that says "today" asks for nothing. The words
are English, German, French and Spanish.
"""

from __future__ import annotations

import re
from functools import lru_cache

_TIME = (
    r"\b(?:what(?:'s| is) the (?:time|date)|what time is it|what day is (?:it|today)|today's date|current time|"
    r"right now|wie spät|welcher tag ist|welches datum|quelle heure|quel jour|qué hora|qué día)\b"
)
_SEARCH = (
    r"\b(?:search (?:the web|online|for)|look (?:it )?up online|google|latest (?:news|version|release|results?)|"
    r"(?:today's|current|latest|live) (?:news|weather|price|rate|score|stock)|stock price|exchange rate|"
    r"weather (?:in|for|today|tomorrow)|news (?:today|about)|forecast for|suche im (?:web|internet)|"
    r"wetter (?:in|heute|morgen)|aktuelle[rnms]? (?:nachrichten|kurs|preis|wetter)|cherche sur|météo|"
    r"busca en (?:internet|la web)|el tiempo en)\b"
)
_CALCULATION = (
    r"\d[\d.,]{3,}\s*[-+*/^\u00d7\u00f7]\s*\d[\d.,]{2,}|(?:\d[\d.,]*\s*[-+*/^\u00d7\u00f7]\s*){3,}\d|"
    r"\b(?:calculate|compute|berechne|calcule|calcula)\b[^.?!\n]*\d[\d.,]*\D+\d"
)
_FILE = (
    r"\b(?:open|read|edit|delete|rename|move|list|run|execute|öffne|lies|lösche|ouvre|lis|abre|lee)\b[^.?!\n]*"
    r"(?:(?<!\w)[~.]{0,2}/[\w.-]+/?\S*|\b[\w-]+\.(?:txt|csv|md|py|json|log|pdf|xlsx?|docx?|toml|ya?ml|sh)\b|"
    r"\b(?:files? in|folder|directory|ordner|dossier|carpeta)\b)"
)
_SHELL = r"\b(?:run|execute) (?:the |this )?(?:command|script|tests?|build)\b|\bgit (?:commit|push|status)\b"
_NEEDS = tuple(
    (need, re.compile(pattern, re.IGNORECASE))
    for need, pattern in (
        ("time", _TIME),
        ("search", _SEARCH),
        ("page", r"https?://\S+"),
        ("calculation", _CALCULATION),
        ("file", _FILE),
        ("shell", _SHELL),
    )
)


@lru_cache(maxsize=8)
def tools_needed(prompt: str, words: str = "") -> tuple[str, ...]:
    """What it needs, in a fixed order; `words` is what was typed beside a text, where there is a text."""
    told = words or prompt
    return tuple(need for need, pattern in _NEEDS if pattern.search(told))
