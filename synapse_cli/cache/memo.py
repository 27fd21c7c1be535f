"""Recognise a command line that was answered before, as a whole, before anything else is imported.

The key is everything typed, piped in, and set in the environment; the value is the accepted answer with a
manifest of every file that decided it. Any doubt is a miss, silently: the long way answers the same.
"""

from __future__ import annotations

import os
import sys
import time

from synapse_cli import __version__
from synapse_cli.core import places

TYPE_CHECKING = False  # see core.places
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence
    from hashlib import blake2b

    from synapse_cli.core.witness import Witness

    Record = Callable[[str, dict[str, str], float, float, int], str | None]
    """Writes a run's row: ledger's path, facts, when it started, how long it took, exit code. Returns a warning."""

stdin_bytes: bytes | None = None
"""What was piped in, where `try_answer` read it; the run command takes it from here.

It is read even where no memo can be found, because what is kept afterwards must be kept under it.
"""

FILE = "memo-1.sqlite3"
"""Under the cache folder; another format gets another number."""

_KEEP_MOST = 1 << 20
"""Bytes of an answer; a longer one costs more to keep twice than it saves."""
_FILE_MOST = 64 << 20
"""Bytes of the memo's file before its oldest tenth is dropped."""
_LOCKED_S = 2.0
_UNWRITTEN = 66
"""As in `__main__`: the answer was there and could not be put where it was asked for."""
_UNUSUAL = (
    "--json",
    "--verbose",
    "--no-cache",
    "--refresh",
    "--no-log",
    "--output",
    "--dry-run",
    "--debug",
    "--stream",
    "--no-stream",
    "--cache-only",
    "--help",
    "--force",
)
_UNUSUAL_LETTERS = "voh"
_NAMES = ("HOME", "USERPROFILE", "LOCALAPPDATA", "OLLAMA_HOST", "WIN_PD_OVERRIDE_LOCAL_APPDATA")
_STARTS = ("SYNAPSE_", "XDG_", "HF_")
_PASSING = "SYNAPSE_RUN"
"""The run that started this one, and its budget: who asks decides nothing of an answer that costs nothing."""
_ENDS = ("_BASE_URL", "_API_BASE", "_ENDPOINT")
_PROBE = "SELECT at FROM cleared UNION ALL SELECT proof FROM memos LIMIT 0"
_SCRIPT = """
CREATE TABLE memos (
  key BLOB PRIMARY KEY, kept REAL NOT NULL, expires REAL, answer BLOB NOT NULL, summary TEXT NOT NULL,
  ledger TEXT, facts BLOB NOT NULL, manifest BLOB NOT NULL, proof BLOB NOT NULL
);
CREATE INDEX memos_by_age ON memos (kept);
CREATE TABLE cleared (at REAL NOT NULL);
"""


class Hit:
    """An answer that was kept: the bytes for stdout, the line for a terminal's stderr, and the record's facts."""

    __slots__ = ("answer", "facts", "ledger", "summary")

    def __init__(self, answer: bytes, summary: str, ledger: str | None, facts: dict[str, str]) -> None:
        self.answer = answer
        self.summary = summary
        self.ledger = ledger
        self.facts = facts


def try_answer(argv: Sequence[str], record: Record) -> int | None:
    """Print the kept answer of this command line and record the run; return its exit code, or None for a miss.

    Reads stdin where it is not a terminal, and leaves it in `stdin_bytes`.
    """
    global stdin_bytes  # the one thing a miss has to hand on, across everything Typer does
    if not is_plain(argv):
        return None
    try:
        stdin_bytes = _piped()
        started = time.time()
        hit = lookup(argv, stdin_bytes, os.environ, os.getcwd())
    except (OSError, ValueError):
        return None
    return None if hit is None else _tell(hit, started, record)


def is_plain(argv: Sequence[str]) -> bool:
    """Whether a command line is of the kind that may be kept: `run`, and no flag that wants more than the answer."""
    if not argv or argv[0] != "run":
        return False
    for word in argv[1:]:
        if word == "--":
            return True
        if word.startswith("--"):
            if word.partition("=")[0] in _UNUSUAL:
                return False
        elif word.startswith("-") and any(letter in _UNUSUAL_LETTERS for letter in word):
            return False
    return True


def lookup(
    argv: Sequence[str], stdin: bytes | None, env: Mapping[str, str], cwd: str, now: float | None = None
) -> Hit | None:
    """Return what is kept for this command line, if everything that decided it is still so."""
    path = file_path(env)
    if path is None or not os.path.exists(path):
        return None
    import sqlite3

    try:
        memos = sqlite3.connect(path, timeout=_LOCKED_S, isolation_level=None)
        try:
            return _found(memos, _key(argv, stdin, env, cwd), time.time() if now is None else now)
        finally:
            memos.close()
    except (sqlite3.Error, OSError, ValueError, IndexError, TypeError):
        return None


def keep(
    argv: Sequence[str],
    stdin: bytes | None,
    env: Mapping[str, str],
    cwd: str,
    *,
    answer: bytes,
    witness: Witness,
    started: float,
    made_at: float | None = None,
    ttl_s: float | None = None,
    summary: str = "",
    ledger: str | None = None,
    facts: Mapping[str, str] | None = None,
    now: float | None = None,
) -> bool:
    """Keep an accepted answer, exactly as it went to stdout; return whether it was kept.

    `started` is when the run began; `made_at` when the oldest call behind the answer was made, where one came
    from the cache: `ttl_s` counts from there, so that a memo never outlives what it stands for. `ledger` is the
    file that a hit writes its row to, and `facts` what that row says (see `ledger.row`). Nothing is raised: what
    cannot be kept is answered the long way.
    """
    from synapse_cli.cache import manifest

    now = time.time() if now is None else now
    path = file_path(env)
    if path is None or not is_plain(argv) or len(answer) > _KEEP_MOST:
        return False
    import sqlite3

    try:
        noted = manifest.note(witness, started, now)
        if noted is None:
            return False
        expires = None if ttl_s is None else float((started if made_at is None else made_at) + ttl_s)
        key = _key(argv, stdin, env, cwd)
        row = (key, float(now), expires, answer, summary, ledger, _pack(facts or {}), noted)
        return _write(path, (*row, _proof(row)), started)
    except (sqlite3.Error, OSError, ValueError, TypeError):
        return False


def clear(env: Mapping[str, str]) -> int:
    """Drop every memo, and those that runs under way are about to keep; return how many.

    Raises OSError or sqlite3.Error.
    """
    path = file_path(env)
    if path is None or not os.path.isdir(os.path.dirname(path)):
        return 0
    from synapse_cli.core import database

    memos = _opened(path)
    try:
        memos.execute("BEGIN IMMEDIATE")
        dropped: int = memos.execute("DELETE FROM memos").rowcount
        memos.execute("DELETE FROM cleared")
        memos.execute("INSERT INTO cleared VALUES (?)", (time.time(),))
        memos.execute("COMMIT")
        memos.execute("PRAGMA incremental_vacuum").fetchall()
    except Exception as error:
        if not database.is_damage(error):
            raise
        database.remove(path)
        return 0
    finally:
        memos.close()
    return dropped


def drop(env: Mapping[str, str], matches: Callable[[Mapping[str, str]], bool]) -> int:
    """Drop the memos whose facts are so; return how many. Raises OSError or sqlite3.Error."""
    path = file_path(env)
    if path is None or not os.path.exists(path):
        return 0
    memos = _opened(path)
    try:
        kept = memos.execute("SELECT key, facts FROM memos").fetchall()
        over = [(key,) for key, facts in kept if matches(_unpack(facts))]
        memos.execute("BEGIN IMMEDIATE")
        memos.executemany("DELETE FROM memos WHERE key = ?", over)
        memos.execute("COMMIT")
    finally:
        memos.close()
    return len(over)


def count(env: Mapping[str, str]) -> tuple[int, int]:
    """Return how many memos there are, and the bytes of their file."""
    import sqlite3

    path = file_path(env)
    if path is None or not os.path.exists(path):
        return 0, 0
    try:
        memos = sqlite3.connect(path, timeout=_LOCKED_S)
        try:
            return memos.execute("SELECT count(*) FROM memos").fetchone()[0], os.path.getsize(path)
        finally:
            memos.close()
    except (sqlite3.Error, OSError):
        return 0, 0


def prune(env: Mapping[str, str], now: float | None = None) -> int:
    """Drop memos whose time is over; return how many."""
    import sqlite3

    path = file_path(env)
    if path is None or not os.path.exists(path):
        return 0
    try:
        memos = _opened(path)
        try:
            over = memos.execute("DELETE FROM memos WHERE expires <= ?", (time.time() if now is None else now,))
            return over.rowcount
        finally:
            memos.close()
    except (sqlite3.Error, OSError):
        return 0


def file_path(env: Mapping[str, str]) -> str | None:
    """Where memos are kept, or None where nobody can tell."""
    try:
        return os.path.join(places.folder("cache", env), FILE)
    except OSError:
        return None


def _piped() -> bytes | None:
    """What is piped in, or None at a terminal."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return None
    return sys.stdin.buffer.read()


def _tell(hit: Hit, started: float, record: Record) -> int:
    code = 0
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(hit.answer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        code = 141
    except OSError as error:
        code = _UNWRITTEN
        sys.stderr.write(f"synapse: error: cannot write the answer: {error.strerror}\n")
    warning = None if hit.ledger is None else record(hit.ledger, hit.facts, started, time.time() - started, code)
    if sys.stderr is not None:
        if warning:
            sys.stderr.write(f"synapse: warning: {warning}\n")
        if code == 0 and hit.summary and sys.stderr.isatty():
            sys.stderr.write(hit.summary + "\n")
    return code


def _key(argv: Sequence[str], stdin: bytes | None, env: Mapping[str, str], cwd: str) -> bytes:
    parts = [__version__, cwd, "-" if stdin is None else "+", *argv[1:]]
    parts += sorted(
        f"{name}={value}"
        for name, value in env.items()
        if (name in _NAMES or name.startswith(_STARTS) or name.endswith(_ENDS)) and name != _PASSING
    )
    whole = _blake2b()
    for part in parts:
        data = os.fsencode(part)
        whole.update(b"%d:" % len(data))
        whole.update(data)
    whole.update(stdin or b"")
    return whole.digest()


def _found(memos: sqlite3.Connection, key: bytes, now: float) -> Hit | None:
    row = memos.execute("SELECT * FROM memos WHERE key = ?", (key,)).fetchone()
    if row is None or _proof(row[:-1]) != row[-1]:
        return None
    _, kept, expires, answer, summary, ledger, facts, noted, _ = row
    if now < kept or (expires is not None and now >= expires):
        return None
    from synapse_cli.cache import manifest

    held = manifest.still_holds(noted, now)
    if held is None:
        return None
    if held != noted:
        _renew(memos, (*row[:-2], held))
    return Hit(answer, summary, ledger, _unpack(facts))


def _renew(memos: sqlite3.Connection, row: tuple[object, ...]) -> None:
    import sqlite3

    try:
        memos.execute("UPDATE memos SET manifest = ?, proof = ? WHERE key = ?", (row[-1], _proof(row), row[0]))
    except sqlite3.Error:
        return  # then the content is compared again next time


def _proof(row: tuple[object, ...]) -> bytes:
    """That a row is whole: the file is written without waiting for the disk, so a power cut may leave anything."""
    return _blake2b(repr(row).encode("utf-8", "surrogatepass")).digest()


def _blake2b(data: bytes = b"") -> blake2b:
    try:
        from _blake2 import blake2b  # hashlib loads OpenSSL at import, which costs a quarter of an empty Python
    except ImportError:
        from hashlib import blake2b
    return blake2b(data, digest_size=32)


def _opened(path: str) -> sqlite3.Connection:
    from synapse_cli.core import database

    return database.connect_or_replace(path, _SCRIPT, 1, probe=_PROBE, timeout_s=_LOCKED_S)


def _write(path: str, row: tuple[object, ...], started: float) -> bool:
    memos = _opened(path)
    try:
        memos.execute("BEGIN IMMEDIATE")
        if memos.execute("SELECT 1 FROM cleared WHERE at >= ?", (started,)).fetchone() is not None:
            return False
        memos.execute("INSERT OR REPLACE INTO memos VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        memos.execute("DELETE FROM memos WHERE expires <= ?", (row[1],))
        if os.path.getsize(path) > _FILE_MOST:
            memos.execute(
                "DELETE FROM memos WHERE kept <= (SELECT kept FROM memos ORDER BY kept"
                " LIMIT 1 OFFSET (SELECT count(*) / 10 FROM memos))"
            )
        memos.execute("COMMIT")
        return True
    finally:
        memos.close()


def _pack(facts: Mapping[str, str]) -> bytes:
    """Names and values joined by NUL, which neither may hold. Raises ValueError."""
    if any("\0" in text for pair in facts.items() for text in pair):
        raise ValueError("a fact holds NUL")
    return "\0".join(text for pair in facts.items() for text in pair).encode("utf-8")


def _unpack(facts: bytes) -> dict[str, str]:
    texts = facts.decode("utf-8").split("\0") if facts else []
    return dict(zip(texts[::2], texts[1::2], strict=True))
