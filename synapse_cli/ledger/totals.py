"""What did it come to: runs, calls, tokens, dollars and latencies, by hour, model, route or who asked?

Answered from the sums of each hour, which the writers keep in the same transaction as the rows: a million calls are
added up without reading one of them, and what was pruned still counts. A span of time is rounded to whole hours.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from synapse_cli.core.errors import InputError
from synapse_cli.ledger import patience, schema, sums
from synapse_cli.ledger.booking import SPENT, book_old, call_counts
from synapse_cli.ledger.histogram import percentile, unpacked

DIMENSIONS = ("hour", "day", "month", "model", "provider", "route", "tenant", "outcome")
"""What sums can be split by. Hours, days and months are of the local calendar; a tenant of nobody is ""."""
_TIMES = ("hour", "day", "month")
_HOURS = (
    "WITH RECURSIVE each(hour) AS (SELECT min(hour) FROM hours"
    " UNION ALL SELECT (SELECT min(hour) FROM hours WHERE hour > each.hour) FROM each WHERE each.hour IS NOT NULL)"
    " SELECT hour FROM each WHERE hour IS NOT NULL"
)
"""Every hour that has sums, by a jump for each instead of a walk over all rows."""
_AT_A_TIME = 2_000
_SUMS = ", ".join(f"sum(h.{name})" for name in sums.NUMBERS)
_MERGED = ", ".join(f"merged(h.{name})" for name in sums.HISTOGRAMS)
_OPEN_CALLS = (
    f"SELECT c.started, c.model, c.provider, r.tenant, c.outcome, c.{SPENT.replace(', ', ', c.')}"  # noqa: S608  # our own words
    " FROM calls c LEFT JOIN runs r ON r.id = c.run WHERE c.booked = 0"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The sums of what shares the values of `of`."""

    of: dict[str, str] = field(default_factory=dict)
    """The value of each dimension that was asked for."""
    runs: int = 0
    """Booked under the model that answered, else the last one asked."""
    calls: int = 0
    """Really sent, each booked under its own model; what the cache or the memo gave is none."""
    accepted: int = 0
    """Answers that passed, of the cache too. In the sum over all models these are the runs that were accepted."""
    rejected: int = 0
    """Answers that did not pass."""
    failed: int = 0
    """Calls that failed. (Runs that failed are `runs` where the outcome is "failed".)"""
    skipped: int = 0
    """Tiers that were not asked."""
    cached: int = 0
    """Answers of the cache or the memo."""
    escalated: int = 0
    """Steps from this model to the next."""
    climbed: int = 0
    """Runs with at least one such step."""
    input: int = 0
    output: int = 0
    cached_input: int = 0
    """Part of `input` that the provider had kept."""
    reasoning: int = 0
    """Part of `output`."""
    tokens_unknown: int = 0
    """Calls of which the tokens are not known; what is known of them is in the sums."""
    estimated: int = 0
    """Calls whose tokens nobody measured."""
    cost: str = "0"
    """Dollars, of the calls whose price is known."""
    cost_unknown: int = 0
    saved: str = "0"
    saved_unknown: int = 0
    latency_s: float = 0.0
    """Seconds of all calls together."""
    run_latency_s: float = 0.0
    answers: int = 0
    """Accepted ones, of the cache and the memo too; what they took when they were made follows."""
    answers_unknown: int = 0
    """Of them: with tokens that nobody knows."""
    answer_input: int = 0
    answer_output: int = 0
    answer_cached: int = 0
    answer_reasoning: int = 0
    latencies: int = field(default=0, repr=False)
    """Of calls: `ledger.histogram.percentile` reads it."""
    first_latencies: int = field(default=0, repr=False)
    """Of calls, to their first piece."""
    run_latencies: int = field(default=0, repr=False)

    def percentile(self, share: float) -> float | None:
        """Seconds that this share of the calls did not exceed."""
        return percentile(self.latencies, share)


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something that has a name happened at a model.

    `kind` is "check" (good = passed), "unevaluated check", "error", "skip" (names are kinds of errors), "memo" (an
    answer to a whole command line; without a name), "feedback" (of people on answers; without a name), "shadow" (an
    answer compared with that of the dearer tier `name`; good = not worse), or a step to the tier `name`: "escalation"
    after an answer that did not pass, "fallback" after a failure, "passed over".
    """

    kind: str
    model: str
    name: str
    n: int
    good: int
    scored: int
    score: float
    """The sum of the scores of the `scored` ones."""
    route: str = ""
    """Where routes were told apart."""


def totals(
    path: str,
    *,
    since: float | None = None,
    until: float | None = None,
    by: Sequence[str] = (),
    tenant: str | None = None,
    model: str | None = None,
    route: str | None = None,
    histograms: bool = True,
    say: Callable[[int], None] | None = None,
) -> list[Row]:
    """Return the sums of the hours that lie in [since, until), split and sorted by `by`; one row where that is empty.

    Without histograms it is quicker. Calls that have not ended, or whose run has not, are in it under the outcome
    "in doubt". A ledger of the first version is summed up first, once: `say` hears how many runs are left, or whoever
    sits at the terminal. Raises InputError.
    """
    wanted = _Wanted(since, until, tenant, model, route)
    with closing(opened(path)) as book:
        try:
            _catch_up(book, path, say)
            return _totals(book, wanted, tuple(by), histograms)
        except sqlite3.Error as error:
            raise unreadable(path, error) from error


def tallies(
    path: str,
    *,
    since: float | None = None,
    until: float | None = None,
    tenant: str | None = None,
    model: str | None = None,
    route: str | None = None,
    by_route: bool = False,
) -> list[Tally]:
    """Return how often checks passed, errors came and steps were taken, most frequent first. Raises InputError."""
    where, values = _Wanted(since, until, tenant, model, route).conditions()
    split = "s.route" if by_route else "''"
    query = (
        "SELECT h.kind, s.model, h.name, sum(h.n) AS n, sum(h.good), sum(h.scored), sum(h.score),"  # noqa: S608  # our own words
        f" {split} FROM tallies h JOIN series s ON s.id = h.series"
        f" WHERE {where} GROUP BY 1, 2, 3, 8 HAVING n > 0 ORDER BY n DESC, 1, 2, 3, 8"
    )
    with closing(opened(path)) as book:
        try:
            return [Tally(*row) for row in book.execute(query, values)]
        except sqlite3.Error as error:
            raise unreadable(path, error) from error


def _catch_up(book: sqlite3.Connection, path: str, say: Callable[[int], None] | None) -> None:
    """Sum up what a ledger of the first version held; where it cannot be written, what is summed up is told."""
    if book.execute("SELECT 1 FROM progress WHERE name = 'runs to book' AND at > 0").fetchone() is None:
        return
    try:
        with closing(schema.opened(path)) as writing:
            left = 1
            while left:
                writing.execute("BEGIN IMMEDIATE")
                left = book_old(writing, _AT_A_TIME)
                writing.execute("COMMIT")
                if say is not None:
                    say(left)
                else:
                    patience.say(f"{left} runs to sum up, once" if left else "")
    except (sqlite3.Error, OSError, schema.Newer):
        return


def opened(path: str) -> sqlite3.Connection:
    """The ledger for reading; an empty one in memory where no run was recorded yet. Raises InputError."""
    try:
        return schema.opened_to_read(path) or schema.empty()
    except (sqlite3.Error, OSError) as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: Exception) -> InputError:
    """What is said of a ledger that cannot be read."""
    return InputError(f"the ledger {path} cannot be read: {error}", "move it away, and the next run begins a new one")


@dataclass(frozen=True, slots=True)
class _Wanted:
    since: float | None
    until: float | None
    tenant: str | None
    model: str | None
    route: str | None

    def conditions(self) -> tuple[str, list[object]]:
        conditions: dict[str, object] = {
            "h.hour >= ?": None if self.since is None else sums.hour_of(self.since),
            "h.hour < ?": None if self.until is None else -sums.hour_of(-self.until),
            "s.tenant = ?": self.tenant,
            "s.model = ?": self.model,
            "s.route = ?": self.route,
        }
        used = {condition: value for condition, value in conditions.items() if value is not None}
        return " AND ".join(used) or "1", list(used.values())

    def takes(self, row: dict[str, str], started: float) -> bool:
        hour = sums.hour_of(started)
        return (
            (self.since is None or hour >= sums.hour_of(self.since))
            and (self.until is None or hour < -sums.hour_of(-self.until))
            and self.tenant in {None, row["tenant"]}
            and self.model in {None, row["model"]}
            and self.route in {None, row["route"]}
        )


class _Merged:
    """Histograms added up, as an aggregate of SQLite's; the sum comes out in hex because it is a wide number."""

    def __init__(self) -> None:
        self.sum = 0

    def step(self, blob: bytes) -> None:
        if blob:
            self.sum += unpacked(blob)

    def finalize(self) -> str:
        return hex(self.sum)


_Held = dict[tuple[str, ...], dict[str, int | float]]


def _totals(book: sqlite3.Connection, wanted: _Wanted, by: tuple[str, ...], histograms: bool) -> list[Row]:
    held: _Held = {}
    for key, counts in (*_booked(book, wanted, by, histograms), *_open(book, wanted, by)):
        sum_of = held.setdefault(key, {})
        for name, count in counts:
            sum_of[name] = sum_of.get(name, 0) + count
    if not by and not held:
        held[()] = {}
    said = [key for key in sorted(held) if by == () or any(held[key].values())]
    return [_row(dict(zip(by, key, strict=True)), held[key]) for key in said]


def _booked(
    book: sqlite3.Connection, wanted: _Wanted, by: tuple[str, ...], histograms: bool
) -> Iterator[tuple[tuple[str, ...], Iterable[tuple[str, int | float]]]]:
    where, values = wanted.conditions()
    times = [name for name in by if name in _TIMES]
    if times:
        _name_hours(book, times)
    book.create_aggregate("merged", 1, _Merged)  # type: ignore[arg-type]  # typeshed wants it to return a plain value
    split = [f"n.{name}_name" if name in _TIMES else f"s.{name}" for name in by]
    columns = ", ".join([*split, _SUMS, *([_MERGED] if histograms else [])])
    group = f"GROUP BY {', '.join(str(place + 1) for place in range(len(by)))}" if by else ""
    names = "JOIN names n ON n.hour = h.hour" if times else ""
    query = f"SELECT {columns} FROM hours h JOIN series s ON s.id = h.series {names} WHERE {where} {group}"  # noqa: S608  # our own words
    for row in book.execute(query, values):
        key, numbers, merged = row[: len(by)], row[len(by) :][: len(sums.NUMBERS)], row[len(by) + len(sums.NUMBERS) :]
        if numbers[0] is not None:
            wide = [(name, int(text, 16)) for name, text in zip(sums.HISTOGRAMS, merged, strict=False)]
            yield tuple(key), [*zip(sums.NUMBERS, numbers, strict=True), *wide]


def _open(
    book: sqlite3.Connection, wanted: _Wanted, by: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Iterable[tuple[str, int | float]]]]:
    """Calls of runs that have not ended: few, and found by an index of their own."""
    label = _labels()
    for call in book.execute(_OPEN_CALLS):
        started, model, provider, tenant = call[:4]
        row = {"model": model, "provider": provider, "route": "-", "tenant": tenant or "", "outcome": "in doubt"}
        if wanted.takes(row, started):
            times = {name: label(name, sums.hour_of(started)) for name in by if name not in row}
            yield tuple({**row, **times}[name] for name in by), call_counts(*call[4:]).items()


def _name_hours(book: sqlite3.Connection, times: list[str]) -> None:
    """Write beside the sums what their hours are called: a join costs a tenth of a function of ours for each row."""
    label = _labels()
    names = ", ".join(f"{name}_name TEXT" for name in times)
    book.execute("PRAGMA temp_store = MEMORY")
    book.execute("DROP TABLE IF EXISTS temp.names")
    book.execute(f"CREATE TEMP TABLE names (hour INTEGER PRIMARY KEY, {names})")
    rows = [(hour, *(label(name, hour) for name in times)) for (hour,) in book.execute(_HOURS)]
    book.executemany(f"INSERT INTO names VALUES (?{', ?' * len(times)})", rows)  # noqa: S608  # our own words


def _labels() -> Callable[[str, int], str]:
    """What an hour is called in the local calendar; each is worked out once."""
    known: dict[tuple[str, int], str] = {}
    forms = {"hour": "%Y-%m-%dT%H:00%z", "day": "%Y-%m-%d", "month": "%Y-%m"}

    def label(name: str, hour: int) -> str:
        found = known.get((name, hour))
        if found is None:
            found = known[name, hour] = datetime.fromtimestamp(hour * 3600, UTC).astimezone().strftime(forms[name])
        return found

    return label


def _row(of: dict[str, str], counts: dict[str, int | float]) -> Row:
    told: dict[str, int | float | str] = dict(counts)
    for name in ("cost", "saved"):
        told[name] = sums.dollars_text(int(counts.get(name, 0)))
    return Row(of=of, **told)  # type: ignore[arg-type]  # by name: each is what the column of that name holds
