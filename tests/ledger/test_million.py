"""The ledger that the bench makes is one as runs would have left it, only smaller here than there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from synapse_cli.ledger import reading, searching
from synapse_cli.ledger.reading import Filter
from synapse_cli.ledger.totals import totals
from tests.bench import ledger as bench

CALLS = 3000


def test_a_ledger_that_was_made_in_bulk_says_what_its_rows_say(tmp_path: Path) -> None:
    path = bench.make(tmp_path, CALLS)
    dimensions = ("model", "provider", "route", "outcome", "month")
    told = totals(path, by=dimensions)

    with closing(sqlite3.connect(path)) as database:  # as if the first version had left it
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        database.execute("DELETE FROM hours")
        database.execute("UPDATE runs SET booked = 0")
        database.execute("UPDATE progress SET at = (SELECT max(rowid) FROM runs) WHERE name = 'runs to book'")
        database.commit()
    again = totals(path, by=dimensions)

    assert [(row.of, row.runs, row.calls, row.cost, row.failed) for row in told] == [
        (row.of, row.runs, row.calls, row.cost, row.failed) for row in again
    ]
    assert [row.latencies for row in told] == [row.latencies for row in again]
    assert [(row.answers, row.answer_input) for row in told] == [(row.answers, row.answer_input) for row in again]
    assert sum(row.calls for row in told) == CALLS


def test_what_is_rare_and_old_is_found_there(tmp_path: Path) -> None:
    path = bench.make(tmp_path, CALLS)

    (found,) = searching.search(path, bench.RARE.upper(), Filter(), bench.START)

    assert bench.RARE in str(found["passage"])
    assert searching.lag(path) == 0
    assert len(reading.runs(path, Filter(status="failed", most=20), bench.START)) == 20


def test_every_figure_of_the_bench_is_taken(tmp_path: Path) -> None:
    figures = bench.look(bench.make(tmp_path, CALLS))
    costs = bench.cost(tmp_path / "cost", 3)

    assert len(figures) > 15
    assert all(seconds >= 0 for seconds in (*figures.values(), *costs.values()))
