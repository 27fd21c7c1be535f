"""Which keys does a provider not take? They are set aside for all processes, until they change or a while has passed.

No key is written down: what recognises it again is a keyed hash, and its salt is made with the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

from synapse_cli.cascade.limiter import Access
from synapse_cli.core.errors import SynapseError

ASIDE_S = 600.0
"""An account that was topped up is found out by then; a key that was replaced, at once."""
_READ_AT_ONCE = ("env:", "file:")
"""Sources that cost nothing to read again, and ask nobody for a passphrase."""

Key = Callable[[], str | None]
"""Reads the key; it may take its time, and raise where there is none."""


class Aside(NamedTuple):
    """A key that was set aside: where it comes from, since when, and what the provider said."""

    access: Access
    since: float
    reason: str


def set_aside(file: sqlite3.Connection, access: Access, key: str | None, now: float, reason: str) -> None:
    """Ask with this key no more."""
    row = (access.lane, access.model, _mark(file, key), now, reason)
    file.execute("INSERT OR REPLACE INTO aside VALUES (?, ?, ?, ?, ?)", row)


def is_aside(file: sqlite3.Connection, access: Access, key: Key, now: float) -> float | None:
    """Since when a key has been set aside; None where it may be used."""
    row = file.execute(
        "SELECT mark, since FROM aside WHERE lane = ? AND model = ?", (access.lane, access.model)
    ).fetchone()
    if row is None:
        return None
    mark, since = row
    is_old = not 0 <= now - since < ASIDE_S
    if is_old or (access.key.startswith(_READ_AT_ONCE) and _mark(file, _read(key)) != mark):
        file.execute("DELETE FROM aside WHERE lane = ? AND model = ?", (access.lane, access.model))
        return None
    return float(since)


def _read(key: Key) -> str | None:
    try:
        return key()
    except SynapseError:
        return None  # whoever asks with it says so


def _mark(file: sqlite3.Connection, key: str | None) -> str:
    (salt,) = file.execute("SELECT bytes FROM salt").fetchone()
    return blake2b((key or "").encode("utf-8", "surrogateescape"), key=salt, digest_size=16).hexdigest()
