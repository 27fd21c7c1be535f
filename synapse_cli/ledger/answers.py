"""How many tokens did the accepted answers take? So that what another model would have asked for them can be told.

Answers of the cache and the memo count too, though they made no call. Taken from the sums of each hour; from the rows
themselves where prompts are told apart by length, or an older version has not summed them up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from synapse_cli.core.completion import Usage
from synapse_cli.ledger.sums import hour_of
from synapse_cli.ledger.totals import Row, opened, totals, unreadable

_FORMS = {"hour": "%Y-%m-%dT%H:00%z", "day": "%Y-%m-%d", "month": "%Y-%m"}
_COLUMNS = {"model": "r.model", "route": "d.route", "tenant": "coalesce(r.tenant, '')", "outcome": "'accepted'"}
_TOKENS = ", ".join(
    f"sum(a.{name}) FILTER (WHERE a.input IS NOT NULL AND a.output IS NOT NULL)"
    for name in ("input", "output", "cached_input", "reasoning")
)
_HOUR = "cast(r.started / 3600 AS INTEGER)"
_PROVIDERS = "SELECT model, provider FROM series WHERE provider <> '' GROUP BY model HAVING id = max(id)"


@dataclass(frozen=True, slots=True)
class Answers:
    """Accepted answers that share the values of `of`, and whose prompts lie between the same two lengths."""

    of: tuple[str, ...]
    answers: int
    unknown: int
    """Of them: with tokens that nobody knows."""
    above: int
    """The greatest of the lengths that was asked for which their prompts exceed; 0 for none."""
    usage: Usage


def answers(
    path: str,
    *,
    since: float | None,
    until: float | None,
    by: Sequence[str] = (),
    tenant: str | None = None,
    model: str | None = None,
    route: str | None = None,
    lengths: Sequence[int] = (),
) -> list[Answers]:
    """Return what the accepted answers took, split by `by` and by prompts longer than each of `lengths`.

    Of whole hours, where they are summed up. Raises InputError.
    """
    if not lengths and _are_summed(path, since):
        found = totals(path, since=since, until=until, by=by, tenant=tenant, model=model, route=route, histograms=False)
        return [_told(row, by) for row in found if row.answers]
    with closing(opened(path)) as book:
        try:
            return list(_answers(book, (since, until, tenant, model, route), tuple(by), sorted(lengths)))
        except sqlite3.Error as error:
            raise unreadable(path, error) from error


def _are_summed(path: str, since: float | None) -> bool:
    query = "SELECT at FROM progress WHERE name = 'answers summed from'"
    with closing(opened(path)) as book:
        try:
            row = book.execute(query).fetchone()
        except sqlite3.Error as error:
            raise unreadable(path, error) from error
    return row is not None and (row[0] == 0 or (since is not None and hour_of(since) >= row[0]))


def _told(row: Row, by: Sequence[str]) -> Answers:
    usage = Usage(row.answer_input, row.answer_output, row.answer_cached, row.answer_reasoning)
    return Answers(tuple(row.of[name] for name in by), row.answers, row.answers_unknown, 0, usage)


def _answers(
    book: sqlite3.Connection, wanted: tuple[float | str | None, ...], by: tuple[str, ...], lengths: list[int]
) -> Iterator[Answers]:
    conditions = ("r.started >= ?", "r.started < ?", "r.tenant = ?", "r.model = ?", "d.route = ?")
    used = {text: value for text, value in zip(conditions, wanted, strict=True) if value is not None}
    split = {name: _COLUMNS.get(name) or ("r.model" if name == "provider" else _HOUR) for name in by}
    step = " ".join(f"WHEN a.input > {length} THEN {length}" for length in reversed(lengths))
    keys = [*split.values(), f"CASE {step} ELSE 0 END" if step else "0"]
    query = (
        f"SELECT {', '.join(keys)}, count(*), sum(a.input IS NULL OR a.output IS NULL), {_TOKENS}"  # noqa: S608  # our own words
        " FROM runs r"
        " JOIN attempts a ON a.run = coalesce(r.memo_of, r.id) AND a.outcome = 'accepted'"
        f"{' JOIN decisions d ON d.run = r.id' if 'd.route' in ' '.join([*keys, *used]) else ''}"
        f" WHERE {' AND '.join(['r.accepted = 1', *used])}"
        f" GROUP BY {', '.join(str(place + 1) for place in range(len(keys)))}"
    )
    providers = dict(book.execute(_PROVIDERS).fetchall()) if "provider" in by else {}
    for row in book.execute(query, list(used.values())):
        key = tuple(_named(name, value, providers) for name, value in zip(by, row, strict=False))
        above, count, unknown, *tokens = row[len(by) :]
        asked, said, cached, thought = (int(number or 0) for number in tokens)
        yield Answers(key, count, unknown, above, Usage(asked, said, cached, thought))


def _named(name: str, value: object, providers: dict[str, str]) -> str:
    if name in _FORMS and isinstance(value, int):
        return datetime.fromtimestamp(value * 3600, UTC).astimezone().strftime(_FORMS[name])
    return providers.get(str(value), "") if name == "provider" else str(value)
