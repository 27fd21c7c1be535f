"""What form is the answer wanted in, and what is named in a prompt? Told by patterns, in a fraction of a millisecond.

Forms are told in English, German, French and Spanish. Entities are what can be told by its shape (addresses, amounts,
dates, paths, quotations); names are words with capitals that do not begin a sentence, which is blind where nothing or
everything is capitalized (German nouns are left out where the language is German).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MOST = 50
"""Entities that are told of one prompt."""
_LONGEST = 20_000
"""Characters that are looked at."""
_CODE = (
    r"\b(?:function|script|program|class|unit tests?|code snippet|implement\w*|refactor|funktion|programm|fonction|"
    r"función)\b|```"
)
_ONE_WORD = (
    r"\b(?:one|a single|1)[- ]word\b|\bsingle word\b|"
    r"\b(?:ein(?:em)? (?:einzigen )?wort|un seul mot|una (?:sola )?palabra)\b"
)
_FORMS: tuple[tuple[str, str], ...] = (
    ("json", r"\bjson\b"),
    ("yaml", r"\bya?ml\b"),
    ("csv", r"\bcsv\b|comma[- ]separated"),
    ("xml", r"\bxml\b"),
    ("html", r"\bhtml\b"),
    ("table", r"\b(?:table|tabelle|tableau|tabla)\b"),
    ("sql", r"\bsql\b"),
    ("regex", r"\bregex\b|regular expression"),
    ("code", _CODE),
    ("list", r"\b(?:list|bullet(?:s| points?)?|bulleted|enumerate|liste|aufzählung|lista)\b"),
    ("yes or no", r"\b(?:yes (?:or|/) no|yes/no|true or false|ja oder nein|oui ou non|sí o no)\b"),
    ("one word", _ONE_WORD),
    ("number", r"\b(?:only (?:the|a) number|just (?:the|a) number|how (?:many|much)|wie viele?|combien|cuántos?)\b"),
    ("one sentence", r"\b(?:one|a single|1)[- ]sentence\b|\b(?:einem satz|une phrase|una frase)\b"),
    ("e-mail", r"\b(?:e-?mail|letter|brief|courriel|lettre|carta|correo)\b"),
    ("paragraph", r"\bparagraphs?\b|\b(?:absatz|paragraphe|párrafo)\b"),
)
_FORM_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _FORMS)
_LIMIT = re.compile(
    r"\b(?:in|at most|no more than|under|up to|maximal|höchstens|en|como máximo)\s+(\d{1,5}|one|two|three)\s+"
    r"(words?|sentences?|lines?|bullets?|characters?|wörtern?|sätzen?|mots|phrases|palabras|frases)\b",
    re.IGNORECASE,
)
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = (
    r"\b(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|"
    rf"(?:\d{{1,2}}\.? {_MONTH}(?:,? \d{{4}})?|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|{_MONTH} \d{{4}}))\b"
)
_UNIT = "(?:km|cm|mm|m|kg|g|mg|lb|oz|l|ml|GB|MB|kB|TB|ms|s|min|h|hours?|days?|weeks?|months?|years?)"
_PATH = (
    r"(?<![\w/:])(?:~|\.{1,2})?/[\w.-]+(?:/[\w.-]+)*|"
    r"\b[\w-]+\.(?:py|js|ts|rs|c|h|cpp|java|md|txt|csv|json|toml)\b"
)
_SHAPES: tuple[tuple[str, str], ...] = (
    ("url", r"https?://[^\s<>\"')\]]+"),
    ("email", r"[\w.+-]+@[\w-]+\.[\w.-]*\w"),
    ("quotation", r"[\"\u201c\u201e\u00ab]([^\"\u201c\u201d\u201e\u00bb\n]{2,120})[\"\u201d\u201c\u00bb]"),
    ("date", _DATE),
    ("time", r"\b\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]m)?\b|\b\d{1,2} ?[ap]m\b"),
    ("money", r"[$\u20ac\u00a3\u00a5] ?\d[\d.,]*\d?|\b\d[\d.,]* ?(?:USD|EUR|GBP|CHF|dollars?|euros?|\u20ac)(?!\w)"),
    ("percentage", r"\b\d+(?:[.,]\d+)? ?%"),
    ("quantity", rf"\b\d+(?:[.,]\d+)? ?{_UNIT}\b"),
    ("ip", r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
    ("path", _PATH),
    ("number", r"(?<![\w.,])\d[\d.,]*\d(?![\w%])|(?<![\w.,])\d(?![\w.,%])"),
)
_ENTITIES = tuple((kind, re.compile(pattern)) for kind, pattern in _SHAPES)
_NAME = re.compile(r"(?<![.!?:\n\"\u201c] )(?<!^)(?<!\w)([A-Z][\w'-]+(?: (?:of |de |von |van )?[A-Z][\w'-]+)*)")
_NOT_NAMES = frozenset(
    ("I", "I'm", "I've", "I'd", "I'll", "JSON", "CSV", "SQL", "HTML", "XML", "YAML", "OK", "PDF", "API", "URL")
)


@dataclass(frozen=True, slots=True)
class Form:
    """The form an answer is wanted in."""

    name: str | None
    """None where nothing is said of it."""
    limit: str | None
    """As it was said: "50 words"."""


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that is named."""

    kind: str
    text: str


def form(told: str) -> Form:
    """The form that the words of a prompt ask for; the strictest where they name several."""
    told = told[:_LONGEST]
    found = next((name for name, pattern in _FORM_PATTERNS if pattern.search(told)), None)
    limit = _LIMIT.search(told)
    return Form(found, f"{limit[1].lower()} {limit[2].lower()}" if limit else None)


def entities(prompt: str, language: str | None = None) -> tuple[Entity, ...]:
    """What is named in a prompt, in its order; each once."""
    prompt = prompt[:_LONGEST]
    taken: list[tuple[int, int]] = []
    found: list[tuple[int, Entity]] = []
    patterns = _ENTITIES if language == "de" else (*_ENTITIES, ("name", _NAME))
    for kind, pattern in patterns:
        for match in pattern.finditer(prompt):
            start, end = match.span()
            text = match[match.lastindex or 0].rstrip(".,")
            if text in _NOT_NAMES or any(start < last and first < end for first, last in taken):
                continue
            taken.append((start, end))
            found.append((start, Entity(kind, text)))
    ordered = [entity for _, entity in sorted(found, key=lambda each: each[0])]
    return tuple(dict.fromkeys(ordered))[:_MOST]
