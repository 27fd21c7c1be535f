"""The table of the documentation, written from what the tests hold: a cell says yes only where a test runs."""

from __future__ import annotations

from tests.dialects.cases import CASES
from tests.dialects.dialects import DIALECTS, Dialect

COLUMNS = {
    "completion": "answer",
    "stream": "stream",
    "system": "system prompt",
    "tools": "tools",
    "schema": "JSON schema",
    "labels": "labels",
    "usage": "tokens",
    "cached": "cached tokens",
    "reasoning": "reasoning tokens",
    "thinking": "thoughts apart",
    "effort": "effort",
    "confidence": "confidence",
    "stops": "stop reasons",
    "refusal": "refusals",
    "half": "half answers",
    "errors": "errors",
    "too_long": "too long",
    "retry": "Retry-After",
    "mid_stream": "broken stream",
    "cut": "cut stream",
    "characters": "every character",
    "new_model": "unlisted model",
    "home": "own address",
    "embeddings": "embeddings",
}
"""Every case under the name that a reader understands; "home" is asked in `test_addresses`."""


def table() -> str:
    """Rows of providers and columns of cases, and below them why a cell is not a plain yes."""
    notes: list[str] = []
    head = ["provider", *COLUMNS.values()]
    rows = [[f"**{dialect.name}**", *(_cell(dialect, case, notes) for case in COLUMNS)] for dialect in DIALECTS]
    lines = [_line(head), _line(["---", *([":-:"] * len(COLUMNS))]), *map(_line, rows)]
    told = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join(
        [
            *lines,
            "",
            "✓ works; ✓ with a number: by a way round LiteLLM; · with a number: the provider does not have it",
            "",
            *told,
            "",
        ]
    )


def _cell(dialect: Dialect, case: str, notes: list[str]) -> str:
    if case == "home":
        return "✓" if dialect.home else _noted("·", "it is wherever you run it: give its `base_url`", notes)
    assert case in CASES
    if case in dialect.lacks:
        return _noted("·", dialect.lacks[case], notes)
    return _noted("✓", dialect.mended[case], notes) if case in dialect.mended else "✓"


def _noted(mark: str, note: str, notes: list[str]) -> str:
    if note not in notes:
        notes.append(note)
    return f"{mark} <sup>{notes.index(note) + 1}</sup>"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
