"""Which texts may hold these letters? An index of all runs of three letters, which SQLite's FTS5 keeps.

It finds substrings, not words, as a search always did. Texts are not kept in it a second time, only where their letters
are; it may name a text that lacks the needle, never miss one that has it, so whoever asks looks at the text as well. It
follows the texts a little behind and in lots, because 64 at once cost half of what 64 one by one do.

It has parts, each of the texts of some time. To take single texts out would make it larger, not smaller, until it is
folded together; but runs are forgotten oldest first, so a part soon has few texts left: those move to the newest part,
and it is dropped whole. Where this SQLite has no FTS5 there is no index, and everything is looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable

from synapse_cli.ledger import blobs

LOT = 64
"""Texts that wait for the index until a run takes them into it."""
LONG = 200_000
"""Characters beyond which a text waits until somebody searches: taking it in would be felt (0.25 µs a character)."""
PARTS = 32
"""A part is full after this fraction of the ledger's size, in characters: a handful of parts, each of four tables."""
_LEAST_PART = 250_000
_ALIVE = 0.25
"""The share of texts still there below which a part is dropped."""
_CHARS_AT_A_TIME = 100_000
_OF_INDEX = (1, 267)
"""SQLite's result codes for an index that FTS5 cannot open, or finds damaged."""
_OPTIONS = "content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1'"
_MOST_LETTERS = 12
"""Threes of a needle that are asked for: each halves what is left, and the texts are looked at anyway."""


def keep_up(book: sqlite3.Connection, max_size: int) -> None:
    """Take the texts that wait into the index, some at a time, once they are a lot; within the caller's transaction.

    It never costs the transaction: an index that is damaged is begun anew, because all it knows is in the texts.
    """
    book.execute("SAVEPOINT keeping_up")
    try:
        if _is_a_lot(book):
            take_in(book, _CHARS_AT_A_TIME, max_size)
    except sqlite3.DatabaseError as error:
        if not book.in_transaction:
            raise  # a full disk has ended the transaction
        book.execute("ROLLBACK TO keeping_up")
        if getattr(error, "sqlite_errorcode", None) in _OF_INDEX:
            _try_to_forget(book)
    book.execute("RELEASE keeping_up")


def take_in(book: sqlite3.Connection, chars: int, max_size: int, *, long_too: bool = False) -> int:
    """Take up to so many characters of waiting texts into the index and return how many texts; 0 where none is left."""
    part = _open_part(book, max(_LEAST_PART, max_size // PARTS))
    if part is None:
        return 0
    at, taken = _at(book), 0
    for rowid, blob in book.execute("SELECT rowid, text FROM blobs WHERE rowid > ? ORDER BY rowid", (at,)):
        at, taken = rowid, taken + 1
        text = folded(blobs.unpacked(blob) or "")
        if len(text) > LONG and not long_too:
            book.execute("INSERT OR IGNORE INTO texts_late VALUES (?, 1)", (rowid,))
            continue
        chars -= _insert(book, part, rowid, text)
        if chars <= 0:
            break
    book.execute("UPDATE parts SET last = max(last, ?) WHERE id = ?", (at, part))
    book.execute("UPDATE progress SET at = ? WHERE name = 'texts indexed'", (at,))
    return taken if chars <= 0 else taken + _take_late(book, part, chars, long_too)


def note_dead(book: sqlite3.Connection, rowid: int) -> None:
    """Take note that a text is about to be deleted."""
    book.execute("DELETE FROM texts_late WHERE blob = ?", (rowid,))
    if book.execute("DELETE FROM texts_moved WHERE blob = ?", (rowid,)).rowcount == 0:
        book.execute("UPDATE parts SET dead = dead + 1 WHERE ? BETWEEN first AND last", (rowid,))


def drop_dead(book: sqlite3.Connection) -> None:
    """After texts were deleted: drop the parts that have few left, and let those wait for the newest part."""
    last = "(SELECT coalesce(max(rowid), 0) FROM blobs)"
    book.execute(f"UPDATE progress SET at = {last} WHERE name = 'texts indexed' AND at > {last}")  # noqa: S608  # its number may be given again
    few = book.execute("SELECT id, first, last FROM parts WHERE dead > 0 AND texts - dead < ? * texts", (_ALIVE,))
    for part, first, end in few.fetchall():
        book.execute(
            "INSERT OR IGNORE INTO texts_late (blob) SELECT rowid FROM blobs WHERE rowid BETWEEN ? AND ?"
            " AND rowid NOT IN (SELECT blob FROM texts_moved)",
            (first, end),
        )
        book.execute("INSERT OR IGNORE INTO texts_late (blob) SELECT blob FROM texts_moved WHERE part = ?", (part,))
        book.execute("DELETE FROM texts_moved WHERE part = ?", (part,))
        _drop(book, part)


def waiting(book: sqlite3.Connection) -> int:
    """How many texts the index does not know."""
    query = "SELECT (SELECT count(*) FROM blobs WHERE rowid > ?) + (SELECT count(*) FROM texts_late)"
    return int(book.execute(query, (_at(book),)).fetchone()[0])


def candidates(book: sqlite3.Connection, needle: str, most: int) -> list[int] | None:
    """The texts, by rowid and mostly newest first, that may hold a folded needle; None where the index cannot tell.

    Texts that are not in the index yet are among them.
    """
    parts = [row[0] for row in book.execute("SELECT id FROM parts ORDER BY id DESC")]
    if len(needle) < 3 or not all(_can_read(book, part) for part in parts):
        return None
    threes = sorted({needle[at : at + 3] for at in range(len(needle) - 2)})
    asked = " AND ".join('"{}"'.format(three.replace('"', '""')) for three in _spread(threes))
    late = "SELECT rowid FROM blobs WHERE rowid > ? UNION SELECT blob FROM texts_late ORDER BY 1 DESC"
    found = [int(row[0]) for row in book.execute(late, (_at(book),))]
    try:
        for part in parts:
            query = f"SELECT rowid FROM threes_{part} WHERE threes_{part} MATCH ? ORDER BY rowid DESC LIMIT ?"  # noqa: S608  # a number
            found += (row[0] for row in book.execute(query, (asked, max(0, most - len(found)))))
    except sqlite3.DatabaseError:  # damaged: the next run begins it anew
        return None
    return list(dict.fromkeys(found))


def forget(book: sqlite3.Connection) -> None:
    """Begin the index anew: what it says of texts is no longer so."""
    for (part,) in book.execute("SELECT id FROM parts").fetchall():
        _drop(book, part)
    book.execute("DELETE FROM texts_late")
    book.execute("DELETE FROM texts_moved")
    book.execute("UPDATE progress SET at = 0 WHERE name = 'texts indexed'")


def catch_up(book: sqlite3.Connection, max_size: int, say: Callable[[int], None]) -> None:
    """Take in everything that waits, in transactions of their own; `say` hears how many texts are left."""
    while True:
        book.execute("BEGIN IMMEDIATE")
        try:
            taken = take_in(book, 40 * _CHARS_AT_A_TIME, max_size, long_too=True)
            book.execute("COMMIT")
        except BaseException:
            book.execute("ROLLBACK")
            raise
        if not taken:
            return
        say(waiting(book))


def folded(text: str) -> str:
    """A text as the index knows it: letter case aside, and without what UTF-8 or FTS5 cannot say."""
    return text.casefold().encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def _try_to_forget(book: sqlite3.Connection) -> None:
    try:
        forget(book)
    except sqlite3.DatabaseError:  # then it stays as it is, and searches look at every text
        book.execute("ROLLBACK TO keeping_up")


def _is_a_lot(book: sqlite3.Connection) -> bool:
    last: int = book.execute("SELECT coalesce(max(rowid), 0) FROM blobs").fetchone()[0]
    late = "SELECT 1 FROM texts_late WHERE NOT is_long LIMIT 1 OFFSET ?"
    return last - _at(book) >= LOT or book.execute(late, (LOT,)).fetchone() is not None


def _take_late(book: sqlite3.Connection, part: int, chars: int, long_too: bool) -> int:
    """Take in texts that were passed over for their length, or whose part was dropped."""
    late = book.execute(
        "SELECT t.blob, b.text FROM texts_late t JOIN blobs b ON b.rowid = t.blob WHERE ? OR NOT is_long LIMIT ?",
        (long_too, LOT),
    )
    taken = 0
    for rowid, blob in late.fetchall():
        text, taken = folded(blobs.unpacked(blob) or ""), taken + 1
        if len(text) > LONG and not long_too:
            book.execute("UPDATE texts_late SET is_long = 1 WHERE blob = ?", (rowid,))
            continue
        book.execute("INSERT OR REPLACE INTO texts_moved VALUES (?, ?)", (rowid, part))
        book.execute("DELETE FROM texts_late WHERE blob = ?", (rowid,))
        chars -= _insert(book, part, rowid, text)
        if chars <= 0:
            break
    return taken


def _insert(book: sqlite3.Connection, part: int, rowid: int, text: str) -> int:
    book.execute(f"INSERT INTO threes_{part} (rowid, text) VALUES (?, ?)", (rowid, text))  # noqa: S608  # a number
    book.execute("UPDATE parts SET texts = texts + 1, chars = chars + ? WHERE id = ?", (len(text), part))
    return max(1, len(text))


def _open_part(book: sqlite3.Connection, most: int) -> int | None:
    """The part that texts are taken into, begun where the last is full; None where this SQLite has no such index."""
    row = book.execute("SELECT id, chars FROM parts ORDER BY id DESC LIMIT 1").fetchone()
    if row is not None and row[1] < most:
        return int(row[0]) if _can_read(book, row[0]) else None
    at = _at(book)
    part = book.execute("INSERT INTO parts (first, last) VALUES (?, ?)", (at + 1, at)).lastrowid
    try:
        book.execute(f"CREATE VIRTUAL TABLE threes_{part} USING fts5(text, {_OPTIONS})")
    except sqlite3.OperationalError:  # no fts5, or one older than trigrams (3.34)
        book.execute("DELETE FROM parts WHERE id = ?", (part,))
        return None
    return part


def _can_read(book: sqlite3.Connection, part: int) -> bool:
    try:
        book.execute(f"SELECT rowid FROM threes_{part} LIMIT 0")  # noqa: S608  # a number
    except sqlite3.OperationalError:
        return False
    return True


def _drop(book: sqlite3.Connection, part: int) -> None:
    try:
        book.execute(f"DROP TABLE IF EXISTS threes_{part}")
    except sqlite3.DatabaseError:  # damaged so that not even this can be done: it stays, and nobody asks it again
        pass
    book.execute("DELETE FROM parts WHERE id = ?", (part,))


def _at(book: sqlite3.Connection) -> int:
    row = book.execute("SELECT at FROM progress WHERE name = 'texts indexed'").fetchone()
    return 0 if row is None else int(row[0])


def _spread(threes: list[str]) -> Iterable[str]:
    step = max(1, len(threes) // _MOST_LETTERS)
    return threes[::step][:_MOST_LETTERS]
