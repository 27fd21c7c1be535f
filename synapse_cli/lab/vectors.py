"""What are these texts as vectors? Encoded once: later runs find them on disk, by text and encoder.

The store is safe to lose: it lies in the cache folder, a damaged one is made anew, and each row carries its own proof.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING
from zlib import crc32

from synapse_cli.core import database, places
from synapse_cli.core.control import Control
from synapse_cli.core.vectors import Vectors
from synapse_cli.learned.encoder import identity
from synapse_cli.profile.model import Model, Profile

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

FILE = "vectors.sqlite3"
_SCRIPT = "CREATE TABLE vectors (key BLOB PRIMARY KEY, numbers BLOB NOT NULL, proof INTEGER NOT NULL)"
_VERSION = 1
_PROBE = "SELECT proof FROM vectors LIMIT 0"
_LOCKED_S = 2.0
_MOST_ROWS = 100_000
"""Some 170 MB with MiniLM's 384 numbers."""


def vectors(
    texts: Sequence[str],
    model: Model,
    profile: Profile,
    *,
    control: Control | None = None,
    hosts: bool = True,
    warn: Callable[[str], None] = lambda _: None,
    folder: str | None = None,
) -> Floats:
    """One row a text, in the texts' order. A terminal sees how far it is; `warn` hears what is to be said.

    `folder` is where they are kept, the cache folder where None. Raises what encoding raises.
    """
    import numpy as np

    store = _Store(folder, identity(model))
    try:
        known = store.find(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            for batch, rows in _encoded(missing, model, profile, control or Control(), warn, hosts=hosts):
                found = dict(zip(batch, _cut(rows), strict=True))
                store.keep(found)
                known |= found
    finally:
        store.close()
    if not texts:
        return np.zeros((0, 0), dtype=np.float32)
    return np.frombuffer(b"".join(known[text] for text in texts), dtype="<f4").reshape(len(texts), -1)


def _encoded(
    texts: Sequence[str],
    model: Model,
    profile: Profile,
    control: Control,
    warn: Callable[[str], None],
    *,
    hosts: bool,
) -> Iterable[tuple[Sequence[str], Vectors]]:
    """The texts' vectors, batch by batch, under the eyes of whoever waits."""
    from synapse_cli.flows.encoding import encode, open_encoder
    from synapse_cli.report.counting import Counting

    done = 0
    said: dict[str, int] = {}
    with Counting(f"{model.name} · encoding", len(texts)) as counting:
        encoder = open_encoder(model, profile, counting.say, warn, hosts=hosts)
        for part in encode(encoder, texts, control):
            for line in part.warnings:
                counted = _COUNTED.match(line)
                what = counted[2] if counted else line
                said[what] = said.get(what, 0) + (int(counted[1]) if counted else 0)
            yield texts[done : done + len(part)], part
            done += len(part)
            counting.reached(done)
    for what, many in said.items():
        warn(f"{many:,} of {len(texts):,} texts {'is' if many == 1 else 'are'} {what}" if many else what)


_COUNTED = re.compile(r"(\d+) of \d+ texts (?:is|are) (.*)")
"""What encoders say of a batch is added up: a table of ten thousand prompts has hundreds of batches."""


def _cut(rows: Vectors) -> list[bytes]:
    size = 4 * rows.dimension
    return [rows.packed[at * size : (at + 1) * size] for at in range(len(rows))]


class _Store:
    """Vectors on disk; where that cannot be had or is busy, nothing is kept, and nothing fails."""

    def __init__(self, folder: str | None, encoder: str) -> None:
        self._encoder = encoder.encode() + b"\0"
        self._file = _open(folder)

    def find(self, texts: Iterable[str]) -> dict[str, bytes]:
        """Those that are kept."""
        found: dict[str, bytes] = {}
        for text in dict.fromkeys(texts):
            row = self._row(text)
            if row is not None and crc32(row[0]) == row[1]:
                found[text] = row[0]
        sizes = {len(each) for each in found.values()}
        return found if len(sizes) < 2 else {}

    def _row(self, text: str) -> tuple[bytes, int] | None:
        if self._file is None:
            return None
        try:
            row: tuple[bytes, int] | None = self._file.execute(
                "SELECT numbers, proof FROM vectors WHERE key = ?", (self._key(text),)
            ).fetchone()
        except sqlite3.Error:
            self.close()
            return None
        return row

    def keep(self, found: dict[str, bytes]) -> None:
        """Keep these, and let the oldest go where there are too many."""
        if self._file is None:
            return
        rows = [(self._key(text), numbers, crc32(numbers)) for text, numbers in found.items()]
        try:
            with self._file:
                self._file.execute("BEGIN IMMEDIATE")
                self._file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
                self._file.execute(
                    "DELETE FROM vectors WHERE rowid <= (SELECT max(rowid) FROM vectors) - ?", (_MOST_ROWS,)
                )
        except sqlite3.Error:
            self.close()

    def close(self) -> None:
        """Let go of the file; nothing is found or kept any more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _key(self, text: str) -> bytes:
        return blake2b(self._encoder + text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _open(folder: str | None) -> sqlite3.Connection | None:
    try:
        where = folder or places.folder("cache", os.environ)
        places.make_private(where)
        return database.connect_or_replace(
            os.path.join(where, FILE), _SCRIPT, _VERSION, probe=_PROBE, timeout_s=_LOCKED_S
        )
    except (OSError, sqlite3.Error):
        return None
