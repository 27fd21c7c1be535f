"""Is money going where it does not use to go? Told by what was usual here before, in robust figures.

Noted with each paid call, looked at once a minute by one of all processes. It warns, once a day of each kind, and
never blocks: a false alarm costs a line, a missed one what the budget allows.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from math import log, sqrt
from typing import TYPE_CHECKING

from synapse_cli.core.budget import Amounts
from synapse_cli.core.grants import Bid
from synapse_cli.ledger import account_periods as periods
from synapse_cli.ledger.account import amount_text, coded

if TYPE_CHECKING:
    from synapse_cli.ledger.totals import Row

LOOK_EVERY_S = 60.0
_WINDOW_S = 60.0
SAME_PROMPT = 20
"""Paid answers to one and the same prompt within a minute: the cache would have given them, had anybody let it."""
SAME_SCRIPT = 30
"""Paid calls of one script within a minute, before it is asked whether each costs more than the one before."""
_RISE = 1.5
"""How much dearer the last third of them is than the first: a conversation with itself that never ends."""
LEAST_HOURS, LEAST_DAYS = 24, 10
"""Hours and days in which something was paid, before anything is called unusual."""
_HISTORY_S = 60 * 86_400.0
UNUSUAL = 4.5
"""Robust standard deviations above the median, of logarithms: spending is skewed, and 3 raised false alarms weekly."""
_TIMES = 3.0
"""And no less than this many times the median: what hardly varies makes a trifle significant."""
_LEAST_SPREAD = log(1.25)
_LEAST_PICO = 10**10
"""A cent: nobody is woken for less."""
LEAST_NOW, LEAST_BEFORE = 50, 200
"""Runs today, and in the two weeks before, that a share is told from."""
_SHIFT = 0.15
_MIX_S = 14 * 86_400.0


def note(book: sqlite3.Connection, bid: Bid, spent: Amounts, now: float) -> bool:
    """Remember a paid call, within the caller's transaction; return whether it is time to look."""
    dollars = coded(spent)["dollars"]
    book.execute(
        "INSERT INTO hours VALUES (?1, 1, ?2) ON CONFLICT DO UPDATE SET calls = calls + 1, dollars = dollars + ?2",
        (int(now // 3600), dollars),
    )
    book.execute("INSERT INTO recent VALUES (?, ?, ?, ?)", (now, bid.prompt, str(os.getppid()), dollars))
    return (
        book.execute(
            "INSERT INTO looked VALUES ('anomaly', ?1) ON CONFLICT DO UPDATE SET at = ?1"
            " WHERE at <= ?1 - ?2 OR at > ?1",
            (now, LOOK_EVERY_S),
        ).rowcount
        == 1
    )


def look(book: sqlite3.Connection, now: float, found_before: Sequence[tuple[str, str]] = ()) -> list[str]:
    """Say what is unusual now and was not said today, one line each; within the caller's transaction."""
    found = [*_loops(book, now), *_spending(book, now), *found_before]
    book.execute("DELETE FROM recent WHERE at < ? OR at > ?", (now - _WINDOW_S, now + _WINDOW_S))
    book.execute("DELETE FROM hours WHERE hour < ?", (int((now - _HISTORY_S) // 3600),))
    today = periods.key("day", now)
    return [
        message
        for kind, message in found
        if book.execute(
            "INSERT OR IGNORE INTO told VALUES (?, '', ?, ?, ?)", (f"{kind}\n{today}", today, now, message)
        ).rowcount
        == 1
    ]


def is_unusual(amount: int, history: Sequence[int]) -> bool:
    """Whether an amount stands far above a history of amounts, as far as that can be told."""
    usual = [log(each) for each in history if each > 0]
    if amount < _LEAST_PICO or not usual:
        return False
    middle = median(usual)
    spread = max(_LEAST_SPREAD, 1.4826 * median(abs(each - middle) for each in usual))
    above = log(amount) - middle
    return above > UNUSUAL * spread and above > log(_TIMES)


def has_shifted(hits: int, of: int, hits_before: int, of_before: int) -> bool:
    """Whether a share is surely another than before, and by enough to matter: a two-proportion test."""
    if of < LEAST_NOW or of_before < LEAST_BEFORE:
        return False
    pooled = (hits + hits_before) / (of + of_before)
    error = sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_before))
    change = abs(hits / of - hits_before / of_before)
    return change >= _SHIFT and change > UNUSUAL * error


def shifts(ledger: str, now: float) -> list[tuple[str, str]]:
    """Routes that are taken more or less often than they were, and answers that pass less often; kinds with lines."""
    from synapse_cli.core.errors import SynapseError
    from synapse_cli.ledger.totals import totals

    local = time.localtime(now)
    midnight = time.mktime((local.tm_year, local.tm_mon, local.tm_mday, 0, 0, 0, 0, 0, -1))
    try:
        today = {row.of["route"]: row for row in totals(ledger, since=midnight, until=now, by=("route",))}
        before = {
            row.of["route"]: row for row in totals(ledger, since=midnight - _MIX_S, until=midnight, by=("route",))
        }
    except (SynapseError, sqlite3.Error, OSError):
        return []
    return [*list(_of_mix(today, before))[:1], *_of_escalation(today, before)]


def median(values: Iterable[float]) -> float:
    """The middle of some values; the standard library's comes with fractions and random numbers, 10 ms of a run."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _loops(book: sqlite3.Connection, now: float) -> Iterator[tuple[str, str]]:
    since = now - _WINDOW_S
    worst = book.execute(
        "SELECT count(*), sum(dollars) FROM recent WHERE at >= ? AND prompt <> '' AND dollars > 0"
        " GROUP BY prompt ORDER BY count(*) DESC LIMIT 1",
        (since,),
    ).fetchone()
    if worst is not None and worst[0] >= SAME_PROMPT:
        spent = amount_text("dollars", worst[1])
        yield "same prompt", f"one and the same prompt was paid for {worst[0]} times within a minute ({spent})"
    scripts = book.execute(
        "SELECT script FROM recent WHERE at >= ? GROUP BY script HAVING count(*) >= ?", (since, SAME_SCRIPT)
    ).fetchall()
    for (script,) in scripts:
        costs = [
            row[0]
            for row in book.execute(
                "SELECT dollars FROM recent WHERE at >= ? AND script = ? ORDER BY at, rowid", (since, script)
            )
        ]
        third = len(costs) // 3
        first, last = median(costs[:third]), median(costs[-third:])
        if 0 < first * _RISE <= last:
            dearer = f"{amount_text('dollars', int(first))} at first, {amount_text('dollars', int(last))} now"
            yield "runaway", f"process {script} made {len(costs)} paid calls within a minute, each dearer: {dearer}"


def _spending(book: sqlite3.Connection, now: float) -> Iterator[tuple[str, str]]:
    hour, today = int(now // 3600), periods.key("day", now)
    rows = book.execute(
        "SELECT hour, dollars FROM hours WHERE hour >= ? AND hour <= ?", (int((now - _HISTORY_S) // 3600), hour)
    ).fetchall()
    hours = [dollars for at, dollars in rows if at != hour and dollars > 0]
    this_hour = sum(dollars for at, dollars in rows if at == hour)
    days: dict[str, int] = {}
    for at, dollars in rows:
        key = periods.key("day", at * 3600.0)
        days[key] = days.get(key, 0) + dollars
    this_day = days.pop(today, 0)
    before = [dollars for dollars in days.values() if dollars > 0]
    for what, amount, history, least in (
        ("hour", this_hour, hours, LEAST_HOURS),
        ("day", this_day, before, LEAST_DAYS),
    ):
        if len(history) >= least and is_unusual(amount, history):
            usual = amount_text("dollars", int(median(history)))
            spent = amount_text("dollars", amount)
            yield what, f"this {what} has cost {spent} so far, where {usual} is usual"


def _of_mix(today: dict[str, Row], before: dict[str, Row]) -> Iterator[tuple[str, str]]:
    runs, runs_before = (sum(row.runs for row in rows.values()) for rows in (today, before))
    for route in sorted({*today, *before}):
        hits, hits_before = (rows[route].runs if route in rows else 0 for rows in (today, before))
        if has_shifted(hits, runs, hits_before, runs_before):
            shares = f"{hits / runs:.0%} of today's runs, and was by {hits_before / runs_before:.0%} of those before"
            yield "mix", f"route {route} is taken by {shares}"


def _of_escalation(today: dict[str, Row], before: dict[str, Row]) -> Iterator[tuple[str, str]]:
    runs, runs_before = (sum(row.runs for row in rows.values()) for rows in (today, before))
    up, up_before = (sum(row.climbed for row in rows.values()) for rows in (today, before))
    if has_shifted(up, runs, up_before, runs_before):
        shares = f"{up / runs:.0%} of today's runs, and {up_before / runs_before:.0%} of those before"
        yield "escalation", f"a dearer tier was needed by {shares}"
