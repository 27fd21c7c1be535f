"""Read the ledger: which runs there were, and one run whole."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.ids import new_run_id
from synapse_cli.core.prompt import Json
from synapse_cli.ledger import blobs, schema

Row = dict[str, Json]

STATUSES = ("accepted", "rejected", "failed", "interrupted", "running", "in doubt")
_FROM = "FROM runs r LEFT JOIN decisions d ON d.run = r.id"
_GOOD = "(SELECT f.good FROM feedback f WHERE f.run IN (r.id, r.memo_of) ORDER BY f.id DESC LIMIT 1)"
FEEDBACK = f"{_GOOD} AS good"
"""What was last said of a run's answer, as a column: 1 is good, 0 bad; a hit of the memo has that of its original."""
_RUNS = f"SELECT r.*, d.route, d.why, d.source, {FEEDBACK} {_FROM}"
_WHICH = {  # "IS NOT 0" lets the index of what was not answered be used
    "accepted": "r.exit_code = 0",
    "rejected": "r.exit_code IS NOT 0 AND r.exit_code = 65",
    "interrupted": "r.exit_code IS NOT 0 AND r.exit_code IN (130, 141)",
    "failed": "r.exit_code IS NOT 0 AND r.exit_code NOT IN (0, 65, 130, 141)",
    "running": "r.exit_code IS NOT 0 AND r.exit_code IS NULL",
    "in doubt": "r.exit_code IS NOT 0 AND r.exit_code IS NULL",
}
_LONGEST_RUN_S = 86_400.0
"""A run that began longer ago and has not ended is not running, whoever has its process id now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which runs are wanted; None is any."""

    route: str | None = None
    model: str | None = None
    status: str | None = None
    since: float | None = None
    until: float | None = None
    most: int | None = None
    tenant: str | None = None
    """Whose runs; None is everybody's."""
    feedback: Literal["good", "bad"] | None = None
    """What people last said of the answer."""


def runs(path: str, wanted: Filter, now: float) -> list[Row]:
    """Return the runs that match, newest first."""
    where, values = _conditions(wanted)
    query = f"{_RUNS} WHERE {where} ORDER BY r.id DESC"
    found: list[Row] = []
    with closing(_open(path)) as book:
        for row in _ask(book, path, query, values):
            told = _told(row, now)
            if wanted.status in {None, told["status"]}:
                found.append(told)
            if wanted.most is not None and len(found) >= wanted.most:
                break
    return found


def ids(path: str, wanted: Filter, *, after: str, most: int) -> list[str]:
    """Return the ids of the next runs after an id, oldest first."""
    where, values = _conditions(wanted)
    query = f"SELECT r.id {_FROM} WHERE {where} AND r.id > ? ORDER BY r.id LIMIT ?"  # our own words
    with closing(_open(path)) as book:
        rows = _ask(book, path, query, [*values, after, most])
        return [str(row["id"]) for row in rows]


def run(path: str, wanted: str, now: float, tenant: str | None = None) -> Row:
    """Return one run whole: its texts, decision, attempts, escalations and calls.

    `wanted` is an id, a prefix of one that no other run shares, or "last"; of a tenant's runs where one is named.
    Raises UsageError.
    """
    with closing(_open(path)) as book:
        run_id = resolved(book, path, wanted, tenant)
        row = next(_ask(book, path, f"{_RUNS} WHERE r.id = ?", [run_id]))
        decision = next(_ask(book, path, "SELECT * FROM decisions WHERE run = ?", [run_id]), None)
        attempts = list(_ask(book, path, "SELECT * FROM attempts WHERE run = ? ORDER BY place", [run_id]))
        steps = _ask(book, path, "SELECT * FROM escalations WHERE run = ? ORDER BY place", [run_id])
        calls = _ask(book, path, "SELECT * FROM calls WHERE run = ? ORDER BY place", [run_id])
        return {
            **_told(row, now),
            "memo_of": row["memo_of"],
            "feedback": _feedback(book, row["id"], row["memo_of"]),
            "error": _error(row),
            "system": blobs.get(book, row["system"]),
            "prompt": blobs.get(book, row["prompt"]),
            "answer": blobs.get(book, row["answer"]),
            "decision": None if decision is None else _decision(decision),
            "attempts": [_attempt(book, attempt) for attempt in attempts],
            "escalations": [{"from": s["source"], "to": s["target"], "reason": s["reason"]} for s in steps],
            "calls": [_call(call, now) for call in calls],
        }


def _open(path: str) -> sqlite3.Connection:
    try:
        return schema.opened_to_read(path) or schema.empty()
    except (sqlite3.Error, OSError) as error:
        raise _unreadable(path, error) from error


def _ask(book: sqlite3.Connection, path: str, query: str, values: list[object]) -> Iterator[sqlite3.Row]:
    try:
        yield from book.execute(query, values)
    except sqlite3.Error as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: Exception) -> InputError:
    return InputError(f"the ledger {path} cannot be read: {error}", "move it away, and the next run begins a new one")


def _conditions(wanted: Filter) -> tuple[str, list[object]]:
    if wanted.status is not None and wanted.status not in STATUSES:
        raise UsageError(f"there is no status {wanted.status!r}", "one of " + ", ".join(STATUSES))
    conditions: dict[str, object] = {
        "d.route = ?": wanted.route,
        "r.model = ?": wanted.model,
        "r.id >= ?": None if wanted.since is None else new_run_id(max(0.0, wanted.since), b"\0" * 7),
        "r.started >= ?": wanted.since,
        "r.id < ?": None if wanted.until is None else new_run_id(max(0.0, wanted.until), b"\0" * 7),
        "r.started < ?": wanted.until,
        "r.tenant = ?": wanted.tenant,
    }
    used = {condition: value for condition, value in conditions.items() if value is not None}
    status = [] if wanted.status is None else [_WHICH[wanted.status]]
    if wanted.feedback is not None:  # the rows that anybody said anything of are few, and found by an index
        said = "(SELECT run FROM feedback UNION SELECT m.id FROM feedback f JOIN runs m ON m.memo_of = f.run)"
        status += [f"r.id IN {said}", f"{_GOOD} = {int(wanted.feedback == 'good')}"]
    return " AND ".join([*used, *status]) or "1", list(used.values())


def resolved(book: sqlite3.Connection, path: str, wanted: str, tenant: str | None) -> str:
    """The id of the run that is meant by an id, the beginning of one, or "last", which no shadow is.

    Raises UsageError where there is none, or more than one.
    """
    whose, values = ("1", []) if tenant is None else ("tenant = ?", [tenant])
    if wanted == "last":
        query = f"SELECT id FROM runs WHERE command <> 'shadow' AND {whose} ORDER BY id DESC LIMIT 1"  # noqa: S608  # our own words
        newest = next(_ask(book, path, query, list(values)), None)
        if newest is None:
            what = "no run" if tenant is None else f"no run of tenant {tenant!r}"
            raise UsageError(f"{what} is recorded yet", 'synapse run "Say hello" records one')
        return str(newest["id"])
    start = wanted.lower()
    query = f"SELECT id FROM runs WHERE {whose} AND id >= ? AND id < ? LIMIT 4"  # noqa: S608  # our own words
    rows = list(_ask(book, path, query, [*values, start, start + "~"]))
    found = [str(row["id"]) for row in rows]
    if start in found or len(found) == 1:
        return start if start in found else found[0]
    if not found:
        raise UsageError(f"no run's id begins with {wanted!r}", "synapse log list shows the ids")
    raise UsageError(f"more than one run's id begins with {wanted!r}", "give more of it: " + ", ".join(found))


def _told(row: sqlite3.Row, now: float) -> Row:
    return {
        "run_id": row["id"],
        "started": instant(row["started"]),
        "command": row["command"],
        "status": status_of(row, now),
        "exit_code": row["exit_code"],
        "route": row["route"],
        "route_why": row["why"],
        "tier": row["tier"],
        "model": row["model"],
        "accepted": bool(row["accepted"]),
        "cached": bool(row["cached"]),
        "memo": row["source"] == "memo",
        "confidence": row["confidence"],
        "tokens": _tokens(row),
        "cost_usd": row["cost"],
        "saved_usd": row["saved"],
        "latency_s": row["latency_s"],
        "first_latency_s": row["first_latency_s"],
        "prompt_hash": row["prompt"],
        "answer_hash": row["answer"],
        "profile_hash": row["profile"],
        "version": row["version"],
        "tenant": row["tenant"],
        "feedback": None if row["good"] is None else word(row["good"]),
    }


def instant(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def status_of(row: sqlite3.Row, now: float) -> str:
    """How a run ended, or whether it may still do so, in one of the words of `STATUSES`."""
    code = row["exit_code"]
    if code is None:
        return "running" if may_still_run(row, now) else "in doubt"
    return {0: "accepted", 65: "rejected", 130: "interrupted", 141: "interrupted"}.get(code, "failed")


def may_still_run(row: Mapping[str, Any] | sqlite3.Row, now: float) -> bool:
    """Whether what has not ended may still do so: a run, or a call that is out."""
    return now - float(row["started"]) < _LONGEST_RUN_S and _is_alive(row["pid"])


def _is_alive(pid: int | None) -> bool:
    """Whether a process still runs; on Windows, where asking would end it, a run that has not ended is in doubt."""
    if pid is None or sys.platform == "win32":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _tokens(row: sqlite3.Row) -> Row:
    return {
        "input": row["input"],
        "output": row["output"],
        "cached": row["cached_input"],
        "reasoning": row["reasoning"],
        "estimated": bool(row["estimated"]),
    }


def _error(row: sqlite3.Row) -> Json:
    if row["error_kind"] is None:
        return None
    return {"kind": row["error_kind"], "message": row["error"], "hint": row["hint"]}


def _decision(row: sqlite3.Row) -> Row:
    return {
        "route": row["route"],
        "why": row["why"],
        "source": row["source"],
        "confidence": row["confidence"],
        "runners_up": json.loads(row["runners_up"]),
        "cost_usd": row["cost"],
        "score": row["score"],
        "policy": _policy(row),
    }


def _policy(row: sqlite3.Row) -> Json:
    """Which policy chose the way; None where there was none."""
    if row["policy"] is None:
        return None
    return {
        "sha256": row["policy"],
        "way": row["way"],
        "certified": bool(row["certified"]),
        "promise": row["promise"],
        "explored": bool(row["explored"]),
    }


def _feedback(book: sqlite3.Connection, run_id: str, memo_of: str | None) -> Json:
    """What people said of an answer, the last first; None where nobody said anything."""
    rows = book.execute("SELECT * FROM feedback WHERE run IN (?, ?) ORDER BY id DESC", (run_id, memo_of)).fetchall()
    if not rows:
        return None
    last, *before = rows
    return {
        "verdict": word(last["good"]),
        "at": instant(last["at"]),
        "note": last["note"],
        "better": blobs.get(book, last["better"]),
        "better_hash": last["better"],
        "before": [{"verdict": word(row["good"]), "at": instant(row["at"]), "note": row["note"]} for row in before],
    }


def word(good: int | bool) -> str:
    """What a person said, in a word."""
    return "good" if good else "bad"


def _attempt(book: sqlite3.Connection, row: sqlite3.Row) -> Row:
    return {
        "tier": row["tier"],
        "model": row["model"],
        "outcome": row["outcome"],
        "reason": row["reason"],
        "error": None if row["error_kind"] is None else {"kind": row["error_kind"], "hint": row["hint"]},
        "latency_s": row["latency_s"],
        "tokens": _tokens(row),
        "cost_usd": row["cost"],
        "cached": bool(row["cached"]),
        "confidence": row["confidence"],
        "finish": row["finish"],
        "verdicts": json.loads(row["verdicts"]),
        "answer": blobs.get(book, row["answer"]),
    }


def _call(row: sqlite3.Row, now: float) -> Row:
    return {
        "kind": row["kind"],
        "model": row["model"],
        "provider": row["provider"],
        "deployment": row["deployment"],
        "started": instant(row["started"]),
        "outcome": row["outcome"] or ("running" if may_still_run(row, now) else "in doubt"),
        "error": row["error_kind"],
        "finish": row["finish"],
        "latency_s": row["latency_s"],
        "first_latency_s": row["first_latency_s"],
        "tokens": _tokens(row),
        "cost_usd": row["cost"],
        "answer_hash": row["answer"],
    }
