"""The tables of the ledger, and how a file of any age is opened. Light enough for a memo hit to import."""

from __future__ import annotations

import os
import sqlite3

from synapse_cli.core import database

FILE = "ledger.sqlite3"
"""Under the state folder."""

STEPS: tuple[str, ...] = (
    """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, started REAL NOT NULL, command TEXT NOT NULL, version TEXT NOT NULL, pid INTEGER,
  exit_code INTEGER, error_kind TEXT, error TEXT, hint TEXT, tier TEXT, model TEXT,
  accepted INTEGER NOT NULL DEFAULT 0, cached INTEGER NOT NULL DEFAULT 0, memo_of TEXT, confidence REAL,
  latency_s REAL, first_latency_s REAL, input INTEGER, output INTEGER, cached_input INTEGER, reasoning INTEGER,
  estimated INTEGER, cost TEXT, saved TEXT, prompt TEXT, system TEXT, answer TEXT, profile TEXT
);
CREATE INDEX runs_by_prompt ON runs (prompt);
CREATE INDEX runs_by_system ON runs (system);
CREATE INDEX runs_by_answer ON runs (answer);
CREATE TABLE decisions (
  run TEXT PRIMARY KEY, route TEXT NOT NULL, why TEXT NOT NULL, source TEXT NOT NULL, confidence REAL,
  runners_up TEXT NOT NULL, input INTEGER, output INTEGER, estimated INTEGER
) WITHOUT ROWID;
CREATE INDEX decisions_by_route ON decisions (route);
CREATE TABLE attempts (
  run TEXT NOT NULL, place INTEGER NOT NULL, tier TEXT NOT NULL, model TEXT NOT NULL, outcome TEXT NOT NULL,
  reason TEXT, error_kind TEXT, hint TEXT, latency_s REAL, first_latency_s REAL, input INTEGER, output INTEGER,
  cached_input INTEGER, reasoning INTEGER, estimated INTEGER, cost TEXT, cached INTEGER NOT NULL DEFAULT 0,
  confidence REAL, finish TEXT, verdicts TEXT NOT NULL, answer TEXT, cache_key TEXT, PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE INDEX attempts_by_answer ON attempts (answer);
CREATE TABLE escalations (
  run TEXT NOT NULL, place INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, reason TEXT,
  PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, text BLOB NOT NULL)
""",
    """
ALTER TABLE runs ADD COLUMN tenant TEXT;
ALTER TABLE runs ADD COLUMN booked INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_not_answered ON runs (exit_code, id) WHERE exit_code IS NOT 0;
CREATE INDEX runs_by_tenant ON runs (tenant, id) WHERE tenant IS NOT NULL;
CREATE TABLE calls (
  run TEXT NOT NULL, place INTEGER NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL,
  deployment TEXT, started REAL NOT NULL, pid INTEGER, outcome TEXT, error_kind TEXT, finish TEXT,
  latency_s REAL, first_latency_s REAL, input INTEGER, output INTEGER, cached_input INTEGER, reasoning INTEGER,
  estimated INTEGER, cost TEXT, answer TEXT, booked INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE INDEX calls_not_booked ON calls (run) WHERE booked = 0;
CREATE TABLE series (
  id INTEGER PRIMARY KEY, route TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL, tenant TEXT NOT NULL,
  outcome TEXT NOT NULL, UNIQUE (model, route, provider, tenant, outcome)
);
CREATE TABLE hours (
  hour INTEGER NOT NULL, series INTEGER NOT NULL, runs INTEGER NOT NULL, calls INTEGER NOT NULL,
  accepted INTEGER NOT NULL, rejected INTEGER NOT NULL, failed INTEGER NOT NULL, skipped INTEGER NOT NULL,
  cached INTEGER NOT NULL, escalated INTEGER NOT NULL, climbed INTEGER NOT NULL, input INTEGER NOT NULL,
  output INTEGER NOT NULL, cached_input INTEGER NOT NULL, reasoning INTEGER NOT NULL, tokens_unknown INTEGER NOT NULL,
  estimated INTEGER NOT NULL, cost INTEGER NOT NULL, cost_unknown INTEGER NOT NULL, saved INTEGER NOT NULL,
  saved_unknown INTEGER NOT NULL, latency_s REAL NOT NULL, run_latency_s REAL NOT NULL,
  latencies BLOB NOT NULL, first_latencies BLOB NOT NULL, run_latencies BLOB NOT NULL, PRIMARY KEY (hour, series)
) WITHOUT ROWID;
CREATE TABLE tallies (
  hour INTEGER NOT NULL, series INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL,
  good INTEGER NOT NULL, scored INTEGER NOT NULL, score REAL NOT NULL, PRIMARY KEY (hour, series, kind, name)
) WITHOUT ROWID;
CREATE TABLE parts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER NOT NULL, last INTEGER NOT NULL, texts INTEGER NOT NULL DEFAULT 0,
  chars INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE texts_late (blob INTEGER PRIMARY KEY, is_long INTEGER NOT NULL DEFAULT 0);
CREATE TABLE texts_moved (blob INTEGER PRIMARY KEY, part INTEGER NOT NULL);
CREATE TABLE progress (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO progress SELECT 'runs to book', coalesce(max(rowid), 0) FROM runs;
INSERT INTO progress VALUES ('texts indexed', 0)
""",
    """
ALTER TABLE decisions ADD COLUMN cost TEXT;
ALTER TABLE decisions ADD COLUMN policy TEXT;
ALTER TABLE decisions ADD COLUMN way TEXT;
ALTER TABLE decisions ADD COLUMN certified INTEGER;
ALTER TABLE decisions ADD COLUMN promise TEXT;
ALTER TABLE decisions ADD COLUMN explored INTEGER;
ALTER TABLE decisions ADD COLUMN score REAL;
ALTER TABLE attempts ADD COLUMN like_of TEXT;
CREATE INDEX decisions_by_policy ON decisions (policy, run) WHERE policy IS NOT NULL;
CREATE TABLE feedback (
  id INTEGER PRIMARY KEY, run TEXT NOT NULL, at REAL NOT NULL, good INTEGER NOT NULL, better TEXT, note TEXT
);
CREATE INDEX feedback_by_run ON feedback (run, id);
CREATE INDEX feedback_by_better ON feedback (better) WHERE better IS NOT NULL;
CREATE TABLE shadows (
  run TEXT PRIMARY KEY, queued REAL NOT NULL, profile TEXT NOT NULL, tenant TEXT, model TEXT NOT NULL,
  target TEXT NOT NULL, judge TEXT NOT NULL, request TEXT NOT NULL, state TEXT NOT NULL, shadow_run TEXT, pid INTEGER,
  began REAL, ended REAL, result TEXT, answer TEXT, why TEXT, cost TEXT
) WITHOUT ROWID;
CREATE INDEX shadows_by_state ON shadows (state, run);
CREATE INDEX shadows_by_request ON shadows (request);
CREATE INDEX shadows_by_answer ON shadows (answer) WHERE answer IS NOT NULL;
CREATE TABLE grades (run TEXT PRIMARY KEY, score REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX attempts_rejected ON attempts (run) WHERE outcome = 'rejected';
ALTER TABLE hours ADD COLUMN answers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hours ADD COLUMN answers_unknown INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hours ADD COLUMN answer_input INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hours ADD COLUMN answer_output INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hours ADD COLUMN answer_cached INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hours ADD COLUMN answer_reasoning INTEGER NOT NULL DEFAULT 0;
INSERT INTO progress SELECT 'answers summed from', coalesce(max(hour) + 1, 0) FROM hours
""",
)
"""What each version adds to the one before, statements divided by `;`. Append; never change a released one."""


class Newer(Exception):
    """The file was written by a newer Synapse: it may be read, and must not be written."""


def opened(path: str, steps: tuple[str, ...] = STEPS) -> sqlite3.Connection:
    """Open the ledger for writing, made where it is missing and migrated where it is older.

    Raises Newer, OSError or sqlite3.Error.
    """
    book = database.connect(path, ";".join(steps), len(steps), wal=True, timeout_s=database.BUSY_S)
    try:
        _bring_up(book, path, steps)
    except BaseException:
        book.close()
        raise
    return book


def opened_to_read(path: str) -> sqlite3.Connection | None:
    """Open the ledger for reading, or None where there is none. Raises sqlite3.Error.

    An older one is brought up first; where it cannot be written, a copy in memory is.
    """
    if not os.path.exists(path):
        return None
    book = _open_to_read(path)
    try:
        book.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        if os.path.exists(path + "-wal"):
            raise
        # A write-ahead log cannot be begun beside it (a folder of another's, a read-only disk): nobody writes it then.
        book.close()
        book = _open_to_read(path, "&immutable=1")
    if database.version_of(book) < len(STEPS):
        try:
            opened(path).close()
        except (sqlite3.Error, OSError, Newer):
            book = _copy_brought_up(book)
    book.row_factory = sqlite3.Row
    return book


def _open_to_read(path: str, also: str = "") -> sqlite3.Connection:
    from urllib.parse import quote

    place = f"file:{quote(path)}?mode=ro{also}"
    return sqlite3.connect(place, uri=True, timeout=database.BUSY_S, isolation_level=None)


def _copy_brought_up(book: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None)
    book.backup(copy)
    book.close()
    _run_steps(copy, STEPS)
    return copy


def empty() -> sqlite3.Connection:
    """A ledger in memory that holds nothing."""
    book = sqlite3.connect(":memory:", isolation_level=None)
    book.row_factory = sqlite3.Row
    book.executescript(";".join(STEPS))
    return book


def _bring_up(book: sqlite3.Connection, path: str, steps: tuple[str, ...]) -> None:
    version = database.version_of(book)
    if version > len(steps):
        raise Newer(f"the ledger {path} was written by a newer Synapse: this run is not recorded")
    if version < len(steps):
        _migrate(book, path, steps)


def _migrate(book: sqlite3.Connection, path: str, steps: tuple[str, ...]) -> None:
    """Bring an older file up to date in one transaction, with a copy of it beside it."""
    version = database.version_of(book)
    if version == 0:
        book.execute("PRAGMA journal_mode = WAL").fetchall()
        _run_steps(book, steps)
        return
    from synapse_cli.ledger import patience

    patience.say(f"the ledger is brought up to date, once: {os.path.getsize(path) // 1_000_000} MB")
    _back_up(book, f"{path}.v{version}.bak")
    _run_steps(book, steps)
    patience.say("")


def _run_steps(book: sqlite3.Connection, steps: tuple[str, ...]) -> None:
    book.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[database.version_of(book) :]:  # another process may have been faster
            for statement in step.split(";"):
                book.execute(statement)
        book.execute(f"PRAGMA user_version = {len(steps)}")
        book.execute("COMMIT")
    except BaseException:
        book.execute("ROLLBACK")
        raise


def _back_up(book: sqlite3.Connection, path: str) -> None:
    draft = f"{path}.{os.getpid()}"
    os.close(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    copy = sqlite3.connect(draft)
    try:
        book.backup(copy)
    finally:
        copy.close()
    os.replace(draft, path)
