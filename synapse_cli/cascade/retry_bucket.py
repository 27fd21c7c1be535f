"""May a failed call of this provider be repeated, seeing how many all processes have repeated already?

A bucket of tokens a provider, as in AWS's SDKs (their standard retry mode: a retry costs 5, a success gives 1 back)
and in gRPC's retry throttling: where most calls fail, repeating them all doubles the load that made them fail.
Theirs lives as long as a process; ours outlives it, and therefore also fills again with time.
"""

from __future__ import annotations

import sqlite3

from synapse_cli.cascade.pace_file import PaceFile, Provider

CAPACITY = 100.0
COST = 5.0
"""So 20 retries may come at once, and then one for each 5 answers."""
SUCCESS = 1.0
PER_SECOND = CAPACITY / 300
"""A bucket that was emptied is full again after 5 minutes."""


def take(pace: PaceFile, provider: Provider) -> bool:
    """Take the price of one retry; whether it was there."""

    def spend(file: sqlite3.Connection) -> bool:
        now = pace.now()
        tokens = tokens_left(file, provider, now)
        if tokens < COST:
            return False
        _write(file, provider, tokens - COST, now)
        return True

    return pace.within(spend, otherwise=True)


def give_back(file: sqlite3.Connection, provider: Provider, now: float) -> None:
    """Add what a success is worth; a full bucket has no row, and costs nothing."""
    tokens = tokens_left(file, provider, now)
    if tokens < CAPACITY:
        _write(file, provider, tokens + SUCCESS, now)


def tokens_left(file: sqlite3.Connection, provider: Provider, now: float) -> float:
    """What is in a provider's bucket."""
    row = file.execute(
        "SELECT tokens, at FROM retries WHERE provider = ? AND base_url = ?", (provider.name, provider.base_url)
    ).fetchone()
    return CAPACITY if row is None else min(CAPACITY, row[0] + max(0.0, now - row[1]) * PER_SECOND)


def _write(file: sqlite3.Connection, provider: Provider, tokens: float, now: float) -> None:
    where = (provider.name, provider.base_url)
    if tokens >= CAPACITY:
        file.execute("DELETE FROM retries WHERE provider = ? AND base_url = ?", where)
    else:
        file.execute("INSERT OR REPLACE INTO retries VALUES (?, ?, ?, ?)", (*where, tokens, now))
