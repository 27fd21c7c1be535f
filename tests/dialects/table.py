"""The table of the documentation, written from what the tests hold: a cell says yes only where a test runs."""

from __future__ import annotations

from tests.dialects.cases import CASES
from tests.dialects.dialects import DIALECTS, Dialect

ROWS = {
    "completion": "an answer; the request as the provider's reference has it",
    "stream": "streamed",
    "system": "system prompt",
    "tools": "tools: told, and called",
    "schema": "JSON schema",
    "labels": "one of several labels",
    "usage": "tokens",
    "cached": "cached tokens",
    "reasoning": "reasoning tokens",
    "thinking": "thoughts apart from the answer",
    "effort": "`effort`",
    "confidence": "confidence",
    "stops": "stop reasons",
    "refusal": "refusals and filters",
    "half": "an answer that broke off is none",
    "errors": "errors, by status",
    "too_long": "a prompt that is too long",
    "retry": "`Retry-After`",
    "mid_stream": "an error inside a stream",
    "cut": "a stream that is cut is no answer",
    "characters": "every character of Unicode",
    "new_model": "a model that no catalogue knows",
    "home": "its own address, with no `base_url`",
    "embeddings": "embeddings",
}
"""Every case in a reader's words; "home" is asked in `test_addresses`."""
YES, NO = "✓", "—"
LEGEND = f"{YES} works; with a number: by a way round LiteLLM. {NO} the provider does not have it."


def table() -> str:
    """Rows of cases and columns of providers, and below them why a cell is not a plain yes."""
    notes: list[str] = []
    head = _line(["", *(dialect.name for dialect in DIALECTS)])
    rule = _line(["---", *([":-:"] * len(DIALECTS))])
    rows = [_line([name, *(_cell(dialect, case, notes) for dialect in DIALECTS)]) for case, name in ROWS.items()]
    told = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join([head, rule, *rows, "", LEGEND, "", *told, ""])


def _cell(dialect: Dialect, case: str, notes: list[str]) -> str:
    if case == "home":
        return YES if dialect.home else _noted(NO, "it is wherever you run it: give its `base_url`", notes)
    assert case in CASES
    if case in dialect.lacks:
        return _noted(NO, dialect.lacks[case], notes)
    return _noted(YES, dialect.mended[case], notes) if case in dialect.mended else YES


def _noted(mark: str, note: str, notes: list[str]) -> str:
    if note not in notes:
        notes.append(note)
    return f"{mark}<sup>{notes.index(note) + 1}</sup>"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
