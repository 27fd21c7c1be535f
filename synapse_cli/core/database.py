"""Open a private SQLite file that several processes share, so that none ever sees one half made.

The ledger, the memo and the remembered file hashes are such files.
"""

from __future__ import annotations

import os
import sqlite3

from synapse_cli.core import places

BUSY_S = 10.0
"""How long a writer waits for the others: 8 processes that each write for 5 ms are far below it."""


def connect(path: str, script: str, version: int, *, wal: bool, timeout_s: float = BUSY_S) -> sqlite3.Connection:
    """Open the file, made by `script` at `version` where there is none; the caller compares versions.

    Raises OSError or sqlite3.Error. Transactions are the caller's: the connection is in autocommit mode.
    """
    if not os.path.exists(path):
        _create(path, script, version, wal=wal)
    return _open(path, timeout_s)


def connect_or_replace(path: str, script: str, version: int, *, probe: str, timeout_s: float) -> sqlite3.Connection:
    """Open a file that is safe to lose: one that is damaged, or fails the `probe` query, is deleted and made anew.

    Writing does not wait for the disk: a power cut may damage it, so that its rows have to carry their own proof.
    Raises OSError or sqlite3.Error.
    """
    try:
        return _probed(connect(path, script, version, wal=False, timeout_s=timeout_s), probe)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
    remove(path)
    return _probed(connect(path, script, version, wal=False, timeout_s=timeout_s), probe)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version that the file says it has; 0 is an empty file."""
    row: tuple[int] = connection.execute("PRAGMA user_version").fetchone()
    return row[0]


def identity(path: str) -> tuple[int, int] | None:
    """Which file is there now; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the file itself is no use, rather than busy, full or read-only."""
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    return any(said in str(error) for said in ("malformed", "not a database", "no such table", "no such column"))


def remove(path: str) -> None:
    """Delete the file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        try:
            os.unlink(path + suffix)
        except FileNotFoundError:
            continue


def _probed(connection: sqlite3.Connection, probe: str) -> sqlite3.Connection:
    try:
        connection.execute(probe).fetchall()
        connection.execute("PRAGMA synchronous = OFF")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _open(path: str, timeout_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout_s, isolation_level=None, check_same_thread=False)
    try:
        # With WAL, NORMAL never damages the file; a power cut may lose the last rows.
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _create(path: str, script: str, version: int, *, wal: bool) -> None:
    """Make the file under another name and link it into place: the first process wins, the others use its file."""
    places.make_private(os.path.dirname(path))
    draft = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        connection = _open(draft, BUSY_S)
        try:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            if wal:
                connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(f"BEGIN; {script}; PRAGMA user_version = {version}; COMMIT;")
        finally:
            connection.close()
        _place(draft, path)
    finally:
        remove(draft)


def _place(draft: str, path: str) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:
        # A file system without hard links: renaming is atomic too, but two first processes may each think they won.
        if not os.path.exists(path):
            os.rename(draft, path)
