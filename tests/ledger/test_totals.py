"""Sums by hour, model, route, tenant and ending: kept with the rows, exact, and left alone by pruning."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.core.completion import Usage
from synapse_cli.core.errors import KeyMissing, TimedOut
from synapse_cli.core.outcome import Answered, Decision, Failed, Outcome, Skipped
from synapse_cli.core.verdict import Verdict
from synapse_cli.ledger import histogram, sums
from synapse_cli.ledger.answers import answers
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.row import insert_memo_run
from synapse_cli.ledger.rows import Begun
from synapse_cli.ledger.story import memo_facts
from synapse_cli.ledger.totals import DIMENSIONS, Row, tallies, totals
from synapse_cli.profile.settings import LedgerSettings
from tests.ledger.stories import START, begin, call, climbed, completion, interrupted, run


def _book(folder: Path, **settings: object) -> Book:
    return Book(folder, LedgerSettings(**settings), warn=pytest.fail, now=lambda: START + 1000)  # type: ignore[arg-type]


def _called(book: Book, number: int, text: str = "bug", **changes: object) -> None:
    story = run(number)
    book.begin(Begun(run_id=story.run_id, started=story.started))
    sent = call(number)
    book.call_begins(sent)
    book.call_answered(sent, completion(text, **changes))


def _dump(rows: list[Row]) -> list[dict[str, object]]:
    return [{name: getattr(row, name) for name in Row.__slots__} for row in rows]


def test_every_run_and_call_is_in_the_sums(tmp_path: Path) -> None:
    book = _book(tmp_path)
    for story in (run(0), climbed(1), interrupted(2)):
        book.record(story)

    (row,) = totals(book.path)

    assert (row.runs, row.calls, row.accepted, row.rejected, row.failed, row.skipped) == (3, 4, 1, 2, 2, 1)
    assert (row.cached, row.escalated, row.climbed) == (1, 3, 1)
    assert (row.input, row.output, row.tokens_unknown) == (300, 6, 1)
    assert (row.cost, row.cost_unknown, row.saved) == ("0", 1, "0.0031")


def test_sums_are_split_by_what_is_asked_and_add_up_to_the_whole(tmp_path: Path) -> None:
    book = _book(tmp_path)
    for story in (run(0), climbed(1), interrupted(2), run(40 * 86_400, tenant="acme")):
        book.record(story)
    (whole,) = totals(book.path)

    for name in DIMENSIONS:
        rows = totals(book.path, by=(name,))
        assert sum(row.runs for row in rows) == whole.runs, name
        assert sum(row.calls for row in rows) == whole.calls, name
        assert sum(row.latencies for row in rows) == whole.latencies, name
        assert [row.of[name] for row in rows] == sorted(row.of[name] for row in rows)

    by_model = {row.of["model"]: row for row in totals(book.path, by=("model",))}
    assert {name: row.calls for name, row in by_model.items()} == {"small": 4, "mini": 1, "other": 0, "big": 0}
    by_tenant = {(row.of["tenant"], row.of["outcome"]): row.runs for row in totals(book.path, by=("tenant", "outcome"))}
    assert by_tenant == {("", "accepted"): 1, ("", "interrupted"): 1, ("", "rejected"): 1, ("acme", "accepted"): 1}
    assert [row.runs for row in totals(book.path, tenant="acme")] == [1]
    assert [row.runs for row in totals(book.path, model="big")] == [1]
    assert [row.runs for row in totals(book.path, since=START + 86_400)] == [1]
    assert [row.runs for row in totals(book.path, until=START + 3600)] == [3]
    assert totals(book.path, since=START + 90 * 86_400, by=("model",)) == []
    assert [row.runs for row in totals(book.path, since=START + 90 * 86_400)] == [0]


def test_no_ledger_is_a_sum_of_nothing(tmp_path: Path) -> None:
    (row,) = totals(str(tmp_path / "none"))

    assert (row.runs, row.calls, row.cost) == (0, 0, "0")
    assert tallies(str(tmp_path / "none")) == []
    assert list(tmp_path.iterdir()) == []


def test_money_is_added_up_to_the_last_digit(tmp_path: Path) -> None:
    book = _book(tmp_path)
    costs = [Decimal("0.000000000001"), Decimal("12345.678901234567"), Decimal("0.1"), Decimal("0.2")]
    for number, cost in enumerate(costs):
        best = Answered("small", "small", completion(cost=cost), ())
        book.record(run(number, outcome=Outcome(attempts=(best,), best=best), saved=-cost))

    (row,) = totals(book.path)

    assert Decimal(row.cost) == sum(costs)
    assert Decimal(row.saved) == -sum(costs)


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=12, allow_nan=False))
def test_dollars_come_back_as_they_were(amount: Decimal) -> None:
    text = f"{amount.normalize():f}"

    assert Decimal(sums.dollars_text(sums.pico(text))) == amount


def test_what_is_smaller_than_the_last_digit_is_rounded() -> None:
    assert sums.pico("0.0000000000015") == 2
    assert sums.pico("-0.0000000000014") == -1
    assert sums.pico(None) == 0


def test_a_call_counts_from_the_moment_it_ended_whatever_becomes_of_its_run(tmp_path: Path) -> None:
    book = _book(tmp_path)
    _called(book, 0, cost=Decimal("0.25"))
    begin(book, run(1).run_id, START)

    (before,) = totals(book.path)
    by_outcome = totals(book.path, by=("outcome", "model"))
    best = Answered("small", "small", completion(cost=Decimal("0.25")), ())
    book.record(run(0, outcome=Outcome(attempts=(best,), best=best)))
    (after,) = totals(book.path)

    assert (before.runs, before.calls, before.cost, before.cost_unknown) == (0, 2, "0.25", 1)
    assert [(row.of, row.calls) for row in by_outcome] == [({"outcome": "in doubt", "model": "small"}, 2)]
    assert (after.runs, after.calls, after.cost, after.cost_unknown) == (1, 2, "0.25", 1)


def test_a_call_that_ends_after_its_run_is_still_counted(tmp_path: Path) -> None:
    book = _book(tmp_path)
    late = call(0, place=1)
    _called(book, 0)
    book.call_begins(late)
    book.record(run(0), is_last=False)
    (before,) = totals(book.path)

    book.call_answered(late, completion(cost=Decimal("0.5")))

    (after,) = totals(book.path)
    assert (before.calls, before.cost, before.cost_unknown) == (2, "0", 1)
    assert (after.calls, after.cost, after.cost_unknown) == (2, "0.5", 0)


def test_a_call_with_rows_of_its_own_is_not_counted_twice(tmp_path: Path) -> None:
    book = _book(tmp_path)
    _called(book, 0)
    book.record(run(0))
    book.record(run(0))
    book.ended(run(0).run_id, 141)

    rows = totals(book.path, by=("provider", "outcome"))

    assert [(row.of["provider"], row.of["outcome"], row.runs, row.calls) for row in rows] == [
        ("scripted", "interrupted", 1, 1)
    ]


def test_a_memo_hit_adds_what_its_rows_say(tmp_path: Path) -> None:
    """The hit writes its sums itself, because it may import nothing; `booking` must say the same of the same rows."""
    book = _book(tmp_path)
    _called(book, 0)
    book.record(run(0, tenant="acme"))
    assert insert_memo_run(book.path, memo_facts(run(0, tenant="acme")), START + 5, 0.004, 0) is None
    light = _dump(totals(book.path, by=("model", "provider", "route", "tenant", "outcome")))

    with closing(sqlite3.connect(book.path, isolation_level=None)) as database:
        memo = database.execute("SELECT id FROM runs WHERE memo_of IS NOT NULL").fetchone()[0]
    book.ended(memo, 65)
    book.ended(memo, 0)

    assert _dump(totals(book.path, by=("model", "provider", "route", "tenant", "outcome"))) == light
    (row,) = totals(book.path, tenant="acme")
    assert (row.runs, row.calls, row.accepted, row.cached, row.saved) == (2, 1, 2, 1, "0.0062")


def test_pruning_leaves_the_sums_as_they_are(tmp_path: Path) -> None:
    book = _book(tmp_path)
    _called(book, 100, cost=Decimal("0.25"))  # killed before its run was written
    for story in (run(0), climbed(1), run(2)):
        book.record(story)
    before = totals(book.path)

    _book(tmp_path, keep_s=1.0).record(run(999))

    (after,) = totals(book.path)
    with closing(sqlite3.connect(book.path)) as database:
        assert [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("runs", "calls")] == [
            1,
            0,
        ]
    assert (after.runs, after.calls, after.cost) == (before[0].runs + 2, before[0].calls + 1, "0.25")


def test_checks_errors_and_steps_are_counted_by_name(tmp_path: Path) -> None:
    book = _book(tmp_path)
    low = Answered("small", "small", completion(), (Verdict("confidence", passed=False, score=0.25),))
    odd = Answered("mid", "mid", completion(), (Verdict("regex", passed=False, evaluated=False),))
    slow = Failed("slow", "slow", TimedOut("no answer"), 1.0)
    locked = Skipped("locked", "locked", KeyMissing("no key"))
    high = Answered("big", "big", completion(), (Verdict("confidence", passed=True, score=0.75),))
    book.record(run(0, outcome=Outcome(attempts=(low, odd, slow, locked, high), best=high)))
    book.record(run(1, decision=Decision("mail", "w", "task"), outcome=Outcome(attempts=(high,), best=high)))

    found = {(tally.kind, tally.model, tally.name): tally for tally in tallies(book.path)}

    assert {key: tally.n for key, tally in found.items()} == {
        ("check", "small", "confidence"): 1,
        ("check", "big", "confidence"): 2,
        ("unevaluated check", "mid", "regex"): 1,
        ("error", "slow", "timeout"): 1,
        ("skip", "locked", "key_missing"): 1,
        ("escalation", "small", "mid"): 1,
        ("escalation", "mid", "slow"): 1,
        ("fallback", "slow", "locked"): 1,
        ("passed over", "locked", "big"): 1,
    }
    passed = found["check", "big", "confidence"]
    assert (passed.good, passed.scored, passed.score) == (2, 2, 1.5)
    assert [(tally.name, tally.n) for tally in tallies(book.path, route="mail")] == [("confidence", 1)]


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_percentile_is_within_five_per_cent(tmp_path: Path, share: float) -> None:
    book = _book(tmp_path)
    times = [0.001 * 1.07**number for number in range(100)]
    for number, latency_s in enumerate(times):
        best = Answered("small", "small", completion(latency_s=latency_s), ())
        book.record(run(number, outcome=Outcome(attempts=(best,), best=best)), is_last=False)
    book.close()

    (row,) = totals(book.path)

    true = times[int(share * 100) - 1]
    found = row.percentile(share)
    assert found is not None
    assert abs(found - true) / true < 0.05


@given(st.lists(st.floats(min_value=0, max_value=5000), max_size=50))
def test_a_histogram_comes_back_as_it_was_and_adds_up(latencies: list[float]) -> None:
    whole = sum(histogram.one(latency) for latency in latencies)
    half = sum(histogram.one(latency) for latency in latencies[::2])
    rest = sum(histogram.one(latency) for latency in latencies[1::2])

    assert histogram.unpacked(histogram.packed(whole)) == whole == half + rest
    assert sum(histogram.counts(whole).values()) == len(latencies)


@pytest.mark.parametrize("latency", [-1.0, 0.0, 1e-9, 1e9, float("nan"), float("inf")])
def test_an_impossible_latency_falls_into_a_bucket_at_the_end(latency: float) -> None:
    assert histogram.bucket_of(latency) in {0, histogram.BUCKETS - 1}


def test_what_a_ledger_of_the_first_version_held_is_counted_too(tmp_path: Path) -> None:
    book = _book(tmp_path)
    book.record(replace(climbed(1), decision=Decision("mail", "w", "rule", usage=Usage(5, 1))))

    with closing(sqlite3.connect(book.path)) as database:
        assert json.loads(database.execute("SELECT verdicts FROM attempts LIMIT 1").fetchone()[0])
        assert database.execute("SELECT count(*) FROM calls").fetchone() == (0,)
    (row,) = totals(book.path)
    assert row.calls == 2


def test_what_answers_took_is_the_same_from_the_sums_and_from_the_rows(tmp_path: Path) -> None:
    book = Book(tmp_path, LedgerSettings(), warn=pytest.fail)
    unknown = Answered("small", "small", completion(usage=Usage(None, 3)), ())
    for number in range(3):
        book.record(run(number))
        book.record(climbed(10 + number))
    book.record(run(20, outcome=Outcome(attempts=(unknown,), best=unknown), tenant="acme"))
    insert_memo_run(book.path, memo_facts(run()), START + 30, 0.01, 0)

    summed = answers(book.path, since=None, until=None, by=("model", "route"))
    read = answers(book.path, since=None, until=None, by=("model", "route"), lengths=(1_000_000,))

    assert summed == read
    assert [(each.answers, each.unknown, each.usage.input) for each in summed] == [(5, 1, 400)]
    assert len(answers(book.path, since=None, until=None, tenant="acme")) == 1


def test_answers_that_an_older_version_did_not_sum_up_are_read_from_the_rows(tmp_path: Path) -> None:
    book = Book(tmp_path, LedgerSettings(), warn=pytest.fail)
    book.record(run())
    with closing(sqlite3.connect(book.path)) as database:
        database.execute("UPDATE hours SET answers = 0, answer_input = 0, answer_output = 0")
        database.execute(
            "UPDATE progress SET at = 1 + (SELECT max(hour) FROM hours) WHERE name = 'answers summed from'"
        )
        database.commit()

    (told,) = answers(book.path, since=None, until=None)

    assert (told.answers, told.usage.input, told.usage.output) == (1, 100, 3)
    assert answers(book.path, since=START + 7200, until=None) == []
