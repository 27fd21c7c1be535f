"""Texts kept once each, by the hash of what they say."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib


def sha256_of(text: str) -> str:
    """The name of a text."""
    return hashlib.sha256(_encoded(text)).hexdigest()


def put(book: sqlite3.Connection, text: str) -> str:
    """Keep a text, once, and return its name."""
    name = sha256_of(text)
    if book.execute("SELECT 1 FROM blobs WHERE sha256 = ?", (name,)).fetchone() is None:
        book.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (name, zlib.compress(_encoded(text))))
    return name


def get(book: sqlite3.Connection, name: str | None) -> str | None:
    """The text under a name, or None where it was not kept."""
    row = book.execute("SELECT text FROM blobs WHERE sha256 = ?", (name,)).fetchone()
    return None if row is None else unpacked(row[0])


def unpacked(blob: bytes | None) -> str | None:
    """The text of a blob; None where there is none or it is damaged."""
    if blob is None:
        return None
    try:
        return zlib.decompress(blob).decode("utf-8", "surrogatepass")
    except (zlib.error, UnicodeDecodeError):
        return None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
