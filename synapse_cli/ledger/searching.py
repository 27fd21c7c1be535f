"""Which runs said this? Substrings of prompts and answers, letter case aside, the newest first.

What is asked for is mostly recent: the newest runs are looked at one by one, and only where those are not enough is
the index asked which older texts may hold the needle. Needles too short for the index are looked for run by run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from synapse_cli.ledger import blobs, index, schema
from synapse_cli.ledger.reading import _FROM, FEEDBACK, Filter, Row, _ask, _conditions, _open, _told

NEWEST = 2_000
"""Runs that are looked at one by one before the index is asked: 20 ms or so."""
SCANNED = 50_000
"""Runs that are looked at where the index cannot tell: about half a second."""
CANDIDATES = 20_000
"""Texts that the index may name: those of newer runs come first."""
_COLUMNS = f"r.*, d.route, d.why, d.source, {FEEDBACK}, passage(p.text) AS in_prompt, passage(a.text) AS in_answer"
_TEXTS = "LEFT JOIN blobs p ON p.sha256 = r.prompt LEFT JOIN blobs a ON a.sha256 = r.answer"
_AT_A_TIME = 400


def search(path: str, text: str, wanted: Filter, now: float, say: Callable[[str], None] = lambda _: None) -> list[Row]:
    """Return the runs whose prompt or answer holds a text, newest first, each with the passage.

    `say` hears where not everything was looked at.
    """
    needle = text.casefold()
    with closing(_open(path)) as book:
        book.create_function("passage", 1, lambda blob: _passage(blobs.unpacked(blob), needle), deterministic=True)
        looking = _Search(book, path, wanted, now)
        border = looking.border(NEWEST)
        found = looking.scan(looking.most, since=border)
        if len(found) < looking.most and border:
            found += _older(looking, needle, border, looking.most - len(found), say)
        return found


def catch_up(path: str, max_size: int, say: Callable[[int], None]) -> None:
    """Take every text into the index that is not there yet; a ledger that cannot be written stays as it is."""
    try:
        with closing(schema.opened(path)) as book:
            index.catch_up(book, max_size, say)
    except (sqlite3.Error, OSError, schema.Newer):
        return


def lag(path: str) -> int:
    """How many texts the index does not know yet."""
    with closing(_open(path)) as book:
        return index.waiting(book)


@dataclass(frozen=True, slots=True)
class _Search:
    """Runs of one ledger that say what `passage` finds."""

    book: sqlite3.Connection
    path: str
    wanted: Filter
    now: float

    @property
    def most(self) -> int:
        return 1 << 62 if self.wanted.most is None else self.wanted.most

    def scan(self, most: int, *, since: str, before: str = "~") -> list[Row]:
        """Those between two ids, newest first."""
        return self._rows("r.id >= ? AND r.id < ?", [since, before], most)

    def among(self, ids: Sequence[str], most: int) -> list[Row]:
        """Those of these runs, newest first."""
        return self._rows(f"r.id IN ({', '.join('?' * len(ids))})", list(ids), most)

    def border(self, newest: int) -> str:
        """The id of the run that so many are newer than; empty where there are not so many."""
        query = "SELECT id FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?"
        row = next(_ask(self.book, self.path, query, [newest - 1]), None)
        return "" if row is None else str(row[0])

    def _rows(self, which: str, values: list[str], most: int) -> list[Row]:
        where, filtered = _conditions(self.wanted)
        query = (
            f"SELECT {_COLUMNS} {_FROM} {_TEXTS} WHERE {where} AND {which}"  # our own words
            " AND (in_prompt IS NOT NULL OR in_answer IS NOT NULL) ORDER BY r.id DESC LIMIT ?"
        )
        rows = (_found(row, self.now) for row in _ask(self.book, self.path, query, [*filtered, *values, most]))
        return [row for row in rows if self.wanted.status in {None, row["status"]}]


def _older(looking: _Search, needle: str, border: str, most: int, say: Callable[[str], None]) -> list[Row]:
    """The runs before the border."""
    texts = index.candidates(looking.book, index.folded(needle), CANDIDATES)
    if texts is None:
        last = looking.border(SCANNED)
        if last:
            say(f"only the newest {SCANNED} runs were looked at; three letters or more find what is older")
        return looking.scan(most, since=last, before=border)
    if len(texts) >= CANDIDATES:
        say(f"more than {CANDIDATES} texts may hold it; the newest were looked at")
    ids = sorted({run for run in _runs_of(looking.book, needle, texts) if run < border}, reverse=True)
    found: list[Row] = []
    for at in range(0, len(ids), _AT_A_TIME):
        found += looking.among(ids[at : at + _AT_A_TIME], most - len(found))
        if len(found) >= most:
            break
    return found


def _runs_of(book: sqlite3.Connection, needle: str, texts: list[int]) -> Iterator[str]:
    """The runs that were asked or answered one of these texts, if it really holds the needle."""
    for rowid in texts:
        row = book.execute("SELECT sha256, text FROM blobs WHERE rowid = ?", (rowid,)).fetchone()
        if row is not None and needle in (blobs.unpacked(row[1]) or "").casefold():
            query = "SELECT id FROM runs WHERE prompt = :name UNION SELECT id FROM runs WHERE answer = :name"
            yield from (str(found[0]) for found in book.execute(query, {"name": row[0]}))


def _found(row: sqlite3.Row, now: float) -> Row:
    return {
        **_told(row, now),
        "found_in": "prompt" if row["in_prompt"] is not None else "answer",
        "passage": row["in_prompt"] or row["in_answer"],
    }


def _passage(text: str | None, needle: str) -> str | None:
    """The line of a text that holds the needle, shortened around it; None where none does."""
    if text is None or needle not in text.casefold():
        return None
    line = next((line for line in text.splitlines() if needle in line.casefold()), text)
    at = max(0, line.casefold().find(needle))
    start, end = max(0, at - 40), at + len(needle) + 40
    said = line[start:end].strip().encode("utf-8", "replace").decode("utf-8")  # SQLite takes nothing else
    return ("…" if start else "") + said + ("…" if end < len(line) else "")
