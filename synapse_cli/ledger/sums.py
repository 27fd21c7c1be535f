"""Where are the sums of an hour kept? One row for each hour and series, added to with the rows it sums, or not at all.

A series is a route, model, provider, tenant and ending. Dollars are whole numbers of 1e-12, so that no cent is lost to
rounding. Light enough for a memo hit to import.
"""

from __future__ import annotations

import sqlite3

from synapse_cli.ledger.histogram import packed, unpacked

TYPE_CHECKING = False  # see core.places
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    Counts: TypeAlias = Mapping[str, int | float]

NUMBERS = (
    "runs",
    "calls",
    "accepted",
    "rejected",
    "failed",
    "skipped",
    "cached",
    "escalated",
    "climbed",
    "input",
    "output",
    "cached_input",
    "reasoning",
    "tokens_unknown",
    "estimated",
    "cost",
    "cost_unknown",
    "saved",
    "saved_unknown",
    "latency_s",
    "run_latency_s",
    "answers",
    "answers_unknown",
    "answer_input",
    "answer_output",
    "answer_cached",
    "answer_reasoning",
)
HISTOGRAMS = ("latencies", "first_latencies", "run_latencies")
DIGITS = 12
"""Of a dollar that are kept: prices go down to a millionth of a cent a token."""

_COLUMNS = (*NUMBERS, *HISTOGRAMS)
_FIND = f"SELECT {', '.join(HISTOGRAMS)} FROM hours WHERE hour = ? AND series = ?"  # noqa: S608  # our own words
_INSERT = f"INSERT INTO hours (hour, series, {', '.join(_COLUMNS)}) VALUES (?, ?{', ?' * len(_COLUMNS)})"  # noqa: S608  # our own words
_UPDATE = (
    f"UPDATE hours SET {', '.join(f'{name} = {name} + ?' for name in NUMBERS)},"  # noqa: S608  # our own words
    f" {', '.join(f'{name} = ?' for name in HISTOGRAMS)} WHERE hour = ? AND series = ?"
)
_SERIES = "SELECT id FROM series WHERE model = ? AND route = ? AND provider = ? AND tenant = ? AND outcome = ?"
_NEW_SERIES = "INSERT INTO series (model, route, provider, tenant, outcome) VALUES (?, ?, ?, ?, ?)"


def hour_of(instant: float) -> int:
    """The hour since 1970 that an instant lies in."""
    return int(instant // 3600)


def series(book: sqlite3.Connection, *, model: str, route: str, provider: str, tenant: str | None, outcome: str) -> int:
    """The number of a series, which is begun where it is new."""
    values = (model, route, provider, tenant or "", outcome)
    row = book.execute(_SERIES, values).fetchone()
    return int(book.execute(_NEW_SERIES, values).lastrowid or 0) if row is None else int(row[0])


def provider_of(book: sqlite3.Connection, model: str) -> str:
    """Who was asked when this model was last called; empty where that is not known."""
    query = "SELECT provider FROM series WHERE model = ? AND provider <> '' ORDER BY id DESC LIMIT 1"
    row = book.execute(query, (model,)).fetchone()
    return "" if row is None else str(row[0])


def add(book: sqlite3.Connection, hour: int, of: int, counts: Counts, *, sign: int = 1) -> None:
    """Add counts, or take them away again; within the caller's transaction. A histogram is a number, see there."""
    numbers = [sign * counts.get(name, 0) for name in NUMBERS]
    histograms = [int(counts.get(name, 0)) for name in HISTOGRAMS]
    kept = book.execute(_FIND, (hour, of)).fetchone()
    if kept is None:
        book.execute(_INSERT, (hour, of, *numbers, *map(packed, histograms)))
        return
    now = [packed(unpacked(old) + sign * new) for old, new in zip(kept, histograms, strict=True)]
    book.execute(_UPDATE, (*numbers, *now, hour, of))


def answer_counts(read: int | None, written: int | None, cached: int | None, reasoning: int | None) -> Counts:
    """What an accepted answer adds, of the cache and the memo too: what another model would have been paid for."""
    if read is None or written is None:
        return {"answers": 1, "answers_unknown": 1}
    told = {"answer_input": read, "answer_output": written}
    return {"answers": 1, **told, "answer_cached": cached or 0, "answer_reasoning": reasoning or 0}


def pico(dollars: str | None) -> int:
    """Dollars in plain digits as whole numbers of 1e-12, the last one rounded; nothing is zero."""
    if not dollars:
        return 0
    whole, _, part = dollars.lstrip("-").partition(".")
    kept = int((whole or "0") + part[:DIGITS].ljust(DIGITS, "0")) + (part[DIGITS : DIGITS + 1] >= "5")
    return -kept if dollars.startswith("-") else kept


def dollars_text(amount: int) -> str:
    """Whole numbers of 1e-12 dollars in plain digits, without zeros that say nothing."""
    digits = str(abs(amount)).rjust(DIGITS + 1, "0")
    text = f"{digits[:-DIGITS]}.{digits[-DIGITS:]}".rstrip("0").rstrip(".")
    return f"-{text}" if amount < 0 else text
