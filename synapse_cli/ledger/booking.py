"""What does a run add to the sums of its hour? Read from its rows, so that it can also be taken away again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from synapse_cli.ledger import sums
from synapse_cli.ledger.histogram import one

ENDINGS = {0: "accepted", 65: "rejected", 130: "interrupted", 141: "interrupted", None: "in doubt"}
"""How a run ended, by its exit code; any other has failed."""
STEPS = {"rejected": "escalation", "failed": "fallback", "skipped": "passed over"}
"""What a step to the next tier is called, by how the tier before ended."""

SPENT = "cost, input, output, cached_input, reasoning, estimated, latency_s, first_latency_s"
"""The columns of a call, or of an attempt, that are added up."""

_RUN = "SELECT started, exit_code, model, tenant, saved, latency_s, accepted, booked, memo_of FROM runs WHERE id = ?"
_ACCEPTED = "SELECT input, output, cached_input, reasoning FROM attempts WHERE run = ? AND outcome = 'accepted' LIMIT 1"
_ATTEMPTS = (
    f"SELECT tier, model, outcome, cached, error_kind, verdicts, {SPENT} FROM attempts WHERE run = ? ORDER BY place"  # noqa: S608  # our own words
)
_CALLS = f"SELECT model, provider, outcome, {SPENT} FROM calls WHERE run = ?"  # noqa: S608  # our own words
_FEEDBACK = "SELECT good FROM feedback WHERE run = ? ORDER BY id DESC LIMIT 1"
_SHADOW = "SELECT target, result FROM shadows WHERE run = ? AND result IS NOT NULL"
_TALLY = (
    "INSERT INTO tallies VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n,"
    " good = good + excluded.good, scored = scored + excluded.scored, score = score + excluded.score"
)
_Attempt = tuple[Any, ...]
"""A row of `_ATTEMPTS`."""


class _Run:
    """A row of `_RUN`; a dataclass or a named tuple would cost each run a third of a millisecond of start-up."""

    __slots__ = ("accepted", "booked", "exit_code", "latency_s", "memo_of", "model", "saved", "started", "tenant")

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.started: float = row[0]
        self.exit_code: int | None = row[1]
        self.model: str | None = row[2]
        self.tenant: str | None = row[3]
        self.saved: str | None = row[4]
        self.latency_s: float | None = row[5]
        self.accepted: int = row[6]
        self.booked: int = row[7]
        self.memo_of: str | None = row[8]


def book_run(book: sqlite3.Connection, run_id: str) -> None:
    """Add a run, once, to the sums of its hour; within the caller's transaction."""
    run = _read(book, run_id)
    if run is not None and not run.booked:
        _apply(book, run_id, run, 1)
        book.execute("UPDATE runs SET booked = 1 WHERE id = ?", (run_id,))
        book.execute("UPDATE calls SET booked = 1 WHERE run = ? AND booked = 0", (run_id,))


def unbook_run(book: sqlite3.Connection, run_id: str) -> None:
    """Take a run out of the sums again, because its rows are about to change."""
    run = _read(book, run_id)
    if run is not None and run.booked:
        _apply(book, run_id, run, -1)
        book.execute("UPDATE runs SET booked = 0 WHERE id = ?", (run_id,))


def book_old(book: sqlite3.Connection, most: int) -> int:
    """Book some of the runs that a ledger of the first version held, the newest first; return the rowid to go on from.

    0 is that none is left. Within the caller's transaction.
    """
    row = book.execute("SELECT at FROM progress WHERE name = 'runs to book'").fetchone()
    at = 0 if row is None else int(row[0])
    if not at:
        return 0
    held = _Sums(book)
    old = "SELECT rowid, id FROM runs WHERE rowid <= ? ORDER BY rowid DESC LIMIT ?"
    found = book.execute(old, (at, most)).fetchall()
    for _, run_id in found:
        run = _read(book, run_id)
        if run is not None and not run.booked:
            _add_run(held, run_id, run)
            book.execute("UPDATE runs SET booked = 1 WHERE id = ?", (run_id,))
    held.write()
    left = found[-1][0] - 1 if len(found) == most else 0
    book.execute("UPDATE progress SET at = ? WHERE name = 'runs to book'", (left,))
    return int(left)


def rebook(book: sqlite3.Connection, run_id: str, change: Callable[[], object]) -> None:
    """Change the rows of a run, and the sums with them where it is booked."""
    row = book.execute("SELECT booked FROM runs WHERE id = ?", (run_id,)).fetchone()
    if row is None or not row[0]:
        change()
        return
    unbook_run(book, run_id)
    change()
    book_run(book, run_id)


def ending_of(exit_code: int | None) -> str:
    """How a run ended, in a word."""
    return ENDINGS.get(exit_code, "failed")


def _apply(book: sqlite3.Connection, run_id: str, run: _Run, sign: int) -> None:
    held = _Sums(book, sign)
    _add_run(held, run_id, run)
    held.write()


def _read(book: sqlite3.Connection, run_id: str) -> _Run | None:
    row = book.execute(_RUN, (run_id,)).fetchone()
    return None if row is None else _Run(row)


def call_counts(*told: Any) -> dict[str, float]:
    """What a call adds: its outcome, and the columns of `SPENT`."""
    outcome, cost, read, written, cached, reasoning, estimated, latency_s, first_latency_s = told
    return {
        "calls": 1,
        "failed": int(outcome == "failed"),
        "input": read or 0,
        "output": written or 0,
        "cached_input": cached or 0,
        "reasoning": reasoning or 0,
        "tokens_unknown": int(read is None or written is None),
        "estimated": int(bool(estimated)),
        "cost": sums.pico(cost),
        "cost_unknown": int(cost is None),
        "latency_s": latency_s or 0.0,
        "latencies": one(latency_s),
        "first_latencies": one(first_latency_s),
    }


_Where = tuple[int, str, str, str]
"""What the sums of one run have in common: hour, route, tenant and ending."""


class _Sums:
    """What runs add, by where, model and provider. Those of many runs are written at once."""

    def __init__(self, book: sqlite3.Connection, sign: int = 1) -> None:
        self.book = book
        self.sign = sign
        self.counts: dict[tuple[_Where, str, str], dict[str, float]] = {}
        self.tallies: dict[tuple[_Where, str, str, str, str], list[float]] = {}
        self.providers: dict[str, str] = {}

    def add(self, where: _Where, model: str, counts: Mapping[str, float]) -> None:
        held = self.counts.setdefault((where, model, self.provider(model)), {})
        for name, count in counts.items():
            held[name] = held.get(name, 0) + count

    def tally(
        self, where: _Where, model: str, kind: str, name: str, *, good: bool = False, score: float | None = None
    ) -> None:
        held = self.tallies.setdefault((where, model, self.provider(model), kind, name), [0, 0, 0, 0.0])
        for place, number in enumerate((1, int(good), int(score is not None), score or 0.0)):
            held[place] += number

    def provider(self, model: str) -> str:
        if model not in self.providers:
            self.providers[model] = sums.provider_of(self.book, model)
        return self.providers[model]

    def write(self) -> None:
        for (where, model, provider), counts in self.counts.items():
            sums.add(self.book, where[0], self._series(where, model, provider), counts, sign=self.sign)
        for (where, model, provider, kind, name), numbers in self.tallies.items():
            told = [self.sign * count for count in numbers]
            self.book.execute(_TALLY, (where[0], self._series(where, model, provider), kind, name, *told))

    def _series(self, where: _Where, model: str, provider: str) -> int:
        _, route, tenant, outcome = where
        return sums.series(self.book, model=model, route=route, provider=provider, tenant=tenant, outcome=outcome)


def _add_run(held: _Sums, run_id: str, run: _Run) -> None:
    attempts = held.book.execute(_ATTEMPTS, (run_id,)).fetchall()
    calls = held.book.execute(_CALLS, (run_id,)).fetchall()
    route = held.book.execute("SELECT route FROM decisions WHERE run = ?", (run_id,)).fetchone()
    name = "-" if route is None else route[0]
    where = (sums.hour_of(run.started), name, run.tenant or "", ending_of(run.exit_code))
    held.providers.update((call[0], call[1]) for call in calls)
    for call in calls:
        held.add(where, call[0], call_counts(*call[2:]))
    if not calls:
        _add_calls_of(held, where, attempts)
    steps = _add_attempts(held, where, attempts)
    last = run.model or (attempts[-1][1] if attempts else calls[-1][0] if calls else "-")
    is_memo = bool(run.accepted and not attempts)
    held.add(where, last, _run_counts(run, steps, is_memo=is_memo))
    answered = held.book.execute(_ACCEPTED, (run.memo_of or run_id,)).fetchone() if run.accepted else None
    if answered is not None:
        held.add(where, last, sums.answer_counts(*answered))
    if is_memo:
        held.tally(where, last, "memo", "")
    said = held.book.execute(_FEEDBACK, (run_id,)).fetchone()
    if said is not None:
        held.tally(where, last, "feedback", "", good=bool(said[0]))
    for target, result in held.book.execute(_SHADOW, (run_id,)):
        held.tally(where, last, "shadow", target, good=result != "worse")


def _run_counts(run: _Run, steps: int, *, is_memo: bool) -> dict[str, float]:
    counts: dict[str, float] = {
        "runs": 1,
        "climbed": int(steps > 0),
        "saved": sums.pico(run.saved),
        "saved_unknown": int(run.saved is None and run.exit_code == 0),
        "run_latency_s": run.latency_s or 0.0,
        "run_latencies": one(run.latency_s),
    }
    return {**counts, "accepted": 1, "cached": 1} if is_memo else counts  # a memo hit tries nobody


def _add_calls_of(held: _Sums, where: _Where, attempts: list[_Attempt]) -> None:
    """Calls as the attempts tell of them: where none was written down (a bench, a ledger of the first version)."""
    for attempt in attempts:
        model, outcome, cached = attempt[1:4]
        if outcome != "skipped" and not cached:
            held.add(where, model, call_counts(outcome, *attempt[6:]))


def _add_attempts(held: _Sums, where: _Where, attempts: list[_Attempt]) -> int:
    """Add endings, checks, errors and steps; return how many steps there were."""
    steps = 0
    for place, (tier, model, outcome, cached, error_kind, verdicts, *_) in enumerate(attempts):
        if outcome != "failed":  # failures are counted call by call: an attempt may have taken several
            held.add(where, model, {outcome: 1, "cached": int(bool(cached))})
        if error_kind is not None:
            held.tally(where, model, "error" if outcome == "failed" else "skip", error_kind)
        for verdict in json.loads(verdicts) if verdicts != "[]" else ():
            kind = "check" if verdict["evaluated"] else "unevaluated check"
            held.tally(where, model, kind, verdict["rule"], good=bool(verdict["passed"]), score=verdict["score"])
        if place + 1 < len(attempts) and attempts[place + 1][0] != tier:
            steps += 1
            held.add(where, model, {"escalated": 1})
            held.tally(where, model, STEPS.get(outcome, "step"), attempts[place + 1][1])
    return steps
