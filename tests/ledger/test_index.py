"""The index of texts: it misses nothing, follows the ledger, and shrinks with it."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.ledger import blobs, index, prune, reading, schema, searching, upkeep
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.reading import Filter
from synapse_cli.profile.settings import LedgerSettings
from tests.ledger.stories import START, run

NOW = START + 100_000
SIZE = 10**9


def _filled(folder: Path, prompts: list[str], **settings: object) -> str:
    book = Book(folder, LedgerSettings(**settings), warn=pytest.fail)  # type: ignore[arg-type]
    for number, prompt in enumerate(prompts):
        book.record(run(number, prompt=prompt), is_last=False)
    book.close()
    return book.path


@contextmanager
def _writing(path: str) -> Iterator[sqlite3.Connection]:
    with closing(schema.opened(path)) as book:
        book.execute("BEGIN IMMEDIATE")
        yield book
        book.execute("COMMIT")


def _prompts(path: str, needle: str, **wanted: object) -> list[str]:
    rows = searching.search(path, needle, Filter(**wanted), NOW)  # type: ignore[arg-type]
    return [str(reading.run(path, str(row["run_id"]), NOW)["prompt"]) for row in rows]


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest three runs are looked at before the index is asked."""
    monkeypatch.setattr(searching, "NEWEST", 3)


@pytest.mark.usefixtures("few_at_once")
def test_a_substring_is_found_among_old_runs_letter_case_aside(tmp_path: Path) -> None:
    prompts = [f"Question {number} about der Straße" for number in range(200)]
    path = _filled(tmp_path, prompts)
    searching.catch_up(path, SIZE, lambda _: None)

    assert searching.lag(path) == 0
    assert _prompts(path, "UESTION 7 ") == ["Question 7 about der Straße"]
    assert _prompts(path, "strasse", most=5) == prompts[:-6:-1]
    assert len(_prompts(path, "STRASSE")) == 200
    assert _prompts(path, "tion 19") == ["Question 199 about der Straße", *prompts[198:189:-1], prompts[19]]
    assert _prompts(path, "not there") == []


@pytest.mark.usefixtures("few_at_once")
def test_what_the_index_does_not_know_yet_is_found_too(tmp_path: Path) -> None:
    path = _filled(tmp_path, [f"question {number}" for number in range(index.LOT + 20)])

    assert 0 < searching.lag(path) < index.LOT
    for number in (0, 10, index.LOT - 1, index.LOT + 10):
        assert _prompts(path, f"question {number}", most=1)[0].startswith(f"question {number}")


@pytest.mark.usefixtures("few_at_once")
def test_a_text_that_is_said_again_is_found_at_its_newest_run(tmp_path: Path) -> None:
    path = _filled(
        tmp_path, ["again and again", *(f"question {number}" for number in range(50)), "again and again", *"xyz"]
    )
    searching.catch_up(path, SIZE, lambda _: None)

    (newest, oldest) = searching.search(path, "AGAIN", Filter(), NOW)

    assert [newest["run_id"], oldest["run_id"]] == [run(51).run_id, run(0).run_id]


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize(
    "odd", ['say "hi" AND (or) NEAR*', "nul\0byte here", "\ud800 alone here", "混ざった日本語の文", "a%b_c'd;--"]
)
def test_odd_letters_are_found_as_they_are(tmp_path: Path, odd: str) -> None:
    path = _filled(tmp_path, [f"before {odd} after", *(f"question {number}" for number in range(70))])
    searching.catch_up(path, SIZE, lambda _: None)

    assert _prompts(path, odd) == [f"before {odd} after"]


@pytest.mark.usefixtures("few_at_once")
def test_what_is_too_short_for_the_index_is_looked_for_run_by_run_and_the_bound_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "SCANNED", 10)
    path = _filled(tmp_path, [f"question {number}" for number in range(30)])
    said: list[str] = []

    found = searching.search(path, "2", Filter(), NOW, said.append)

    assert [row["passage"] for row in found] == ["question 29", *(f"question {n}" for n in range(28, 19, -1))]
    assert len(said) == 1
    assert "newest 10 runs" in said[0]


@pytest.mark.usefixtures("few_at_once")
def test_where_sqlite_has_no_such_index_everything_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_OPTIONS", "tokenize='not_there'")
    path = _filled(tmp_path, [f"question {number}" for number in range(2 * index.LOT)])
    searching.catch_up(path, SIZE, lambda _: None)

    assert _prompts(path, "question 7", most=1) == ["question 79"]
    assert _prompts(path, "question 0") == ["question 0"]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM parts").fetchone() == (0,)


def test_a_part_that_has_few_texts_left_is_dropped_and_those_are_found_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_LEAST_PART", 2000)
    monkeypatch.setattr(index, "PARTS", 10**9)
    monkeypatch.setattr(index, "_CHARS_AT_A_TIME", 50)
    monkeypatch.setattr(searching, "NEWEST", 3)
    chance = random.Random(1)
    prompts = [f"said once {number} " + "".join(chance.choices("abcdef", k=60)) for number in range(300)]
    prompts[150] = prompts[0]  # an old text that a newer run names too
    path = _filled(tmp_path, prompts)
    searching.catch_up(path, 1, lambda _: None)
    with closing(sqlite3.connect(path)) as database:
        parts = database.execute("SELECT count(*) FROM parts").fetchone()[0]

    upkeep.prune(path, before=START + 140, max_size=None)

    with closing(sqlite3.connect(path)) as database:
        left = database.execute("SELECT count(*) FROM parts").fetchone()[0]
        tables = database.execute("SELECT count(*) FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%'").fetchone()[0]
    assert 1 < left < 0.7 * parts
    assert tables == left
    assert _prompts(path, "said once 0 ") == [prompts[0]]
    searching.catch_up(path, 1, lambda _: None)
    assert searching.lag(path) == 0
    assert _prompts(path, "said once 0 ") == [prompts[0]]
    assert _prompts(path, "said once 139 ") == []
    assert _prompts(path, "said once 140 ") == [prompts[140]]


def test_numbers_of_forgotten_texts_that_are_given_again_are_indexed_again(tmp_path: Path) -> None:
    path = _filled(tmp_path, [f"question {number}" for number in range(100)])
    searching.catch_up(path, SIZE, lambda _: None)
    upkeep.prune(path, before=NOW, max_size=None)

    book = Book(tmp_path, LedgerSettings(), warn=pytest.fail)
    for number in range(200, 230):
        book.record(run(number, prompt=f"another {number}"))

    assert searching.lag(path) == 31  # the prompts, and the answer that they share
    assert _prompts(path, "another 207") == ["another 207"]


def test_a_text_so_long_that_taking_it_in_would_be_felt_waits_for_a_search(tmp_path: Path) -> None:
    long = "letters " * 40_000 + "needle"
    path = _filled(tmp_path, [long, *(f"question {number}" for number in range(3 * index.LOT))])

    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM texts_late").fetchone() == (1,)
    assert _prompts(path, "sneedle") == []
    assert _prompts(path, " needle") == [long]
    searching.catch_up(path, SIZE, lambda _: None)
    assert searching.lag(path) == 0
    assert _prompts(path, " needle") == [long]


def test_it_stays_within_the_ledger_s_size(tmp_path: Path) -> None:
    chance = random.Random(2)
    prompts = ["".join(chance.choices("abcdefghijklmnop ", k=4000)) for _ in range(1500)]

    path = _filled(tmp_path, prompts, max_size=3_000_000)

    with closing(schema.opened(path)) as book:
        assert prune.bytes_used(book) <= 3_100_000
    assert os.path.getsize(path) < 6_000_000
    assert len(reading.runs(path, Filter(), NOW)) > 100


@given(st.text(max_size=40), st.text(max_size=6))
def test_the_index_never_misses_a_text_that_holds_the_needle(text: str, needle: str) -> None:
    with closing(schema.empty()) as book:
        held = [text, text + needle, needle + text, "nothing of it"]
        for each in held:
            blobs.put(book, each)
        index.catch_up(book, SIZE, lambda _: None)

        found = index.candidates(book, index.folded(needle.casefold()), 100)

        names = {blobs.sha256_of(each) for each in held if needle.casefold() in each.casefold()}
        if found is None:
            assert len(index.folded(needle.casefold())) < 3
            return
        holes = ", ".join("?" * len(found))
        rows = book.execute(f"SELECT sha256 FROM blobs WHERE rowid IN ({holes})", found)
        assert names <= {row[0] for row in rows}
