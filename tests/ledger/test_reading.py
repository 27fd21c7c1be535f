"""Finding runs again: by what they were, by the beginning of an id, by a word that was said."""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse_cli.core.errors import UsageError
from synapse_cli.core.outcome import Answered, Decision, Outcome
from synapse_cli.ledger import reading, searching
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.reading import Filter
from synapse_cli.profile.settings import LedgerSettings
from tests.ledger.stories import START, begin, climbed, completion, interrupted, run

NOW = START + 100


@pytest.fixture
def path(tmp_path: Path) -> str:
    big = Answered("big", "big", completion("Praise for\n  the Straße team"), ())
    book = Book(tmp_path, LedgerSettings(), warn=pytest.fail)
    for story in (
        run(0, prompt="an Invoice is missing"),
        climbed(1),
        interrupted(2),
        run(3, decision=Decision("mail", "w", "task"), outcome=Outcome(attempts=(big,), best=big)),
    ):
        book.record(story)
    begin(book, "1zzz", NOW)
    book.close()
    return book.path


def _numbers(rows: list[reading.Row]) -> list[int]:
    ids = {run(number).run_id: number for number in range(4)}
    return [ids.get(str(row["run_id"]), -1) for row in rows]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), [-1, 3, 2, 1, 0]),
        (Filter(most=2), [-1, 3]),
        (Filter(route="mail"), [3]),
        (Filter(model="small"), [0]),
        (Filter(since=START + 2), [-1, 3, 2]),
        (Filter(status="accepted"), [3, 0]),
        (Filter(status="rejected"), [1]),
        (Filter(status="interrupted"), [2]),
        (Filter(status="failed"), []),
        (Filter(status="running"), [-1]),
        (Filter(status="in doubt"), []),
        (Filter(status="accepted", route="tickets", most=1), [0]),
        (Filter(route="none"), []),
    ],
)
def test_a_filter_keeps_what_it_says_newest_first(path: str, wanted: Filter, expected: list[int]) -> None:
    assert _numbers(reading.runs(path, wanted, NOW)) == expected


def test_a_status_that_there_is_not_is_a_usage_error(path: str) -> None:
    with pytest.raises(UsageError, match="no status 'fine'"):
        reading.runs(path, Filter(status="fine"), NOW)


def test_the_beginning_of_an_id_is_enough_where_it_is_the_only_one(path: str) -> None:
    assert reading.run(path, "1Z", NOW)["run_id"] == "1zzz"
    assert reading.run(path, run(2).run_id, NOW)["exit_code"] == 130
    assert reading.run(path, "last", NOW)["run_id"] == "1zzz"


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ("1n", "more than one", run(0).run_id),
        ("x", "no run's id", "log list"),
        ("%", "no run's id", ""),
        ("_", "no run's", ""),
    ],
)
def test_an_id_that_names_none_or_many_is_a_usage_error(path: str, wanted: str, message: str, hint: str) -> None:
    wanted = run(0).run_id[:2] if wanted == "1n" else wanted

    with pytest.raises(UsageError, match=message) as caught:
        reading.run(path, wanted, NOW)

    assert hint in caught.value.hint


def test_no_last_run_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run is recorded yet"):
        reading.run(str(tmp_path / "none"), "last", NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INVOICE", [(0, "prompt", "an Invoice is missing")]),
        ("strasse", [(3, "answer", "the Straße team")]),
        ("classify", [(3, "prompt", "classify this"), (2, "prompt", "classify this"), (1, "prompt", "classify this")]),
        ("maybe", [(1, "answer", "maybe")]),
        ("%", []),
    ],
)
def test_a_word_is_found_in_prompts_and_answers(path: str, text: str, expected: list[tuple[int, str, str]]) -> None:
    rows = searching.search(path, text, Filter(), NOW)

    assert [(n, r["found_in"], r["passage"]) for n, r in zip(_numbers(rows), rows, strict=True)] == expected


def test_a_search_is_filtered_and_bounded_too(path: str) -> None:
    assert _numbers(searching.search(path, "classify", Filter(most=1), NOW)) == [3]
    assert _numbers(searching.search(path, "classify", Filter(status="interrupted"), NOW)) == [2]


def test_a_long_line_is_shortened_around_what_was_found(tmp_path: Path) -> None:
    book = Book(tmp_path, LedgerSettings(), warn=pytest.fail)
    book.record(run(prompt="a" * 500 + "needle" + "b" * 500))
    book.close()

    (row,) = searching.search(book.path, "needle", Filter(), NOW)

    assert row["passage"] == "…" + "a" * 40 + "needle" + "b" * 40 + "…"
