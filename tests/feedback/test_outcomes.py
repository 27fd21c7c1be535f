"""What the record knows of the quality of answers, in the form of an outcome table."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from synapse_cli.core.errors import Unaccepted
from synapse_cli.core.outcome import Answered, Outcome
from synapse_cli.core.verdict import Verdict
from synapse_cli.lab.recorded import Recorded, recorded_outcomes
from synapse_cli.ledger import schema
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.feedback import Feedback, give
from synapse_cli.profile.settings import LedgerSettings
from tests.ledger.stories import START, completion, run


def _record(folder: Path, *runs: Any, command: str = "run", text: bool = True) -> Book:
    book = Book(folder, LedgerSettings(text=text), warn=pytest.fail)
    for each in runs:
        book.record(each, command)
    return book


def _say(folder: Path, number: int, *, good: bool, better: str | None = None) -> None:
    give(str(folder / schema.FILE), run(number).run_id, Feedback(good=good, better=better), START)


def _found(folder: Path, **which: Any) -> Recorded:
    return recorded_outcomes(str(folder / schema.FILE), **which)


def _stepped(number: int, low: str, high: str, rule: str = "confidence") -> Any:
    """A run whose cheap answer did not pass a rule, and whose dear one did."""
    cheap = Answered("small", "small", completion(low), (Verdict(rule, passed=False, reason="no"),))
    dear = Answered("big", "big", completion(high, cost=Decimal("0.01")), ())
    return run(number, outcome=Outcome(attempts=(cheap, dear), best=dear))


def _scores(found: Recorded) -> list[dict[str, float]]:
    outcomes: list[dict[str, Any]] = [dict(row["outcomes"]) for row in found.rows]  # type: ignore[arg-type]
    return [{model: each["score"] for model, each in told.items()} for told in outcomes]


def test_nothing_that_was_judged_is_an_empty_table(tmp_path: Path) -> None:
    assert _found(tmp_path / "none").rows == ()
    _record(tmp_path, run())
    assert _found(tmp_path) == Recorded(rows=(), labels={}, without_text=0, without_price=0)


def test_what_people_said_makes_the_scores_and_who_was_not_asked_is_missing(tmp_path: Path) -> None:
    _record(tmp_path, run(0), run(1, prompt="another"), run(2, prompt="a third"))
    _say(tmp_path, 0, good=True)
    _say(tmp_path, 1, good=False)

    found = _found(tmp_path)

    assert _scores(found) == [{"small": 1.0}, {"small": 0.0}]
    assert found.rows[0] | {"id": ""} == {
        "id": "",
        "task": "tickets",
        "prompt": "classify this",
        "outcomes": {
            "small": {
                "score": 1.0,
                "cost": 0.0,
                "source": "feedback",
                "answer": "bug",
                "text": "bug",
                "confidence": 0.93,
                "latency_s": 0.4,
            }
        },
    }
    assert found.labels == {("tickets", "small", "feedback"): 2}


def test_a_rejected_answer_counts_as_the_same_one_that_was_judged_or_not_at_all(tmp_path: Path) -> None:
    _record(tmp_path, _stepped(0, "Bug.", "bug"), replace(_stepped(1, "spam", "bug"), prompt="another"))
    _say(tmp_path, 0, good=True)
    _say(tmp_path, 1, good=True)

    assert _scores(_found(tmp_path)) == [{"small": 1.0, "big": 1.0}, {"big": 1.0}]


def test_an_answer_that_is_not_valid_is_a_bad_one(tmp_path: Path) -> None:
    _record(tmp_path, _stepped(0, "no json", "bug", rule="json"))

    found = _found(tmp_path)

    assert _scores(found) == [{"small": 0.0}]
    assert found.labels == {("tickets", "small", "check"): 1}


def test_a_better_answer_teaches_who_gave_it(tmp_path: Path) -> None:
    _record(tmp_path, _stepped(0, "feature", "bug"))
    _say(tmp_path, 0, good=False, better="feature\n")

    assert _scores(_found(tmp_path)) == [{"small": 1.0, "big": 0.0}]


def test_the_same_prompt_asked_again_is_one_row_and_the_mean(tmp_path: Path) -> None:
    _record(tmp_path, run(0), run(1, answer="spam"))
    _say(tmp_path, 0, good=True)
    _say(tmp_path, 1, good=False)

    assert _scores(_found(tmp_path)) == [{"small": 0.5}]


def test_people_are_believed_before_a_bench(tmp_path: Path) -> None:
    book = _record(tmp_path, run(0), run(1, prompt="another"), command="bench")
    book.grade(run(0).run_id, 0.25)
    book.grade(run(1).run_id, 0.25)
    _say(tmp_path, 0, good=True)

    found = _found(tmp_path)

    assert _scores(found) == [{"small": 1.0}, {"small": 0.25}]
    assert found.labels == {("tickets", "small", "feedback"): 1, ("tickets", "small", "bench"): 1}


def test_what_has_no_text_or_no_price_is_counted_and_left_out(tmp_path: Path) -> None:
    _record(tmp_path, run(0), text=False)
    free = run(1).outcome.best
    assert free is not None
    dear = replace(free, completion=completion(cost=None))
    _record(tmp_path, run(1, prompt="another", outcome=Outcome(attempts=(dear,), best=dear)))
    _say(tmp_path, 0, good=True)
    _say(tmp_path, 1, good=True)

    found = _found(tmp_path)

    assert (found.rows, found.without_text, found.without_price) == ((), 1, 1)


def test_only_the_route_the_tenant_and_the_time_that_are_wanted(tmp_path: Path) -> None:
    refused = run(2, outcome=Outcome(attempts=(), best=None, error=Unaccepted("none", "")), saved=None)
    _record(tmp_path, run(0), run(1, prompt="another", tenant="acme"), refused)
    _say(tmp_path, 0, good=True)
    _say(tmp_path, 1, good=True)

    assert len(_found(tmp_path).rows) == 2
    assert len(_found(tmp_path, tenant="acme").rows) == 1
    assert len(_found(tmp_path, since=START + 1).rows) == 1
    assert _found(tmp_path, route="mail").rows == ()
