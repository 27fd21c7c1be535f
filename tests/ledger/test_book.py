"""What is written down of a run, and that writing it never costs an answer."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from synapse_cli.core import database
from synapse_cli.core.completion import Usage
from synapse_cli.core.outcome import Answered, Decision, Outcome
from synapse_cli.core.verdict import Verdict
from synapse_cli.ledger import damage, index, reading, searching
from synapse_cli.ledger.blobs import sha256_of
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.reading import Filter, Row
from synapse_cli.ledger.row import insert_memo_run
from synapse_cli.ledger.story import memo_facts
from synapse_cli.profile.settings import LedgerSettings
from tests.ledger.stories import START, begin, climbed, completion, interrupted, run

ROOT = Path(__file__).parents[2]
NOW = START + 1000
SECRET = "the moon is made of cheese"


def _book(folder: Path, **settings: object) -> Book:
    return Book(folder, LedgerSettings(**settings), warn=pytest.fail, now=lambda: NOW)  # type: ignore[arg-type]


def _recorded(folder: Path, *stories: object, **settings: object) -> list[Row]:
    book = _book(folder, **settings)
    for story in stories:
        book.record(story)  # type: ignore[arg-type]
    book.close()
    return reading.runs(book.path, Filter(), NOW)


def test_a_run_is_recorded_whole(tmp_path: Path) -> None:
    (row,) = _recorded(tmp_path, run())
    whole = reading.run(str(tmp_path / "ledger.sqlite3"), "last", NOW)

    assert row == {name: whole[name] for name in row}
    assert (row["status"], row["exit_code"], row["route"], row["model"]) == ("accepted", 0, "tickets", "small")
    assert row["tokens"] == {"input": 100, "output": 3, "cached": 0, "reasoning": 0, "estimated": False}
    assert (row["cost_usd"], row["saved_usd"], row["latency_s"], row["confidence"]) == ("0", "0.0031", 0.5, 0.93)
    assert row["started"] == "2027-01-15T08:00:00.000+00:00"
    assert (whole["prompt"], whole["answer"], whole["error"]) == ("classify this", "bug", None)
    assert whole["decision"] == {
        "route": "tickets",
        "why": "keyword 'ticket'",
        "source": "rule",
        "confidence": None,
        "runners_up": [["mail", "no keyword"]],
        "cost_usd": "0",
        "score": None,
        "policy": None,
    }


def test_every_attempt_and_step_of_a_climb_is_recorded(tmp_path: Path) -> None:
    _recorded(tmp_path, climbed())

    whole = reading.run(str(tmp_path / "ledger.sqlite3"), "last", NOW)

    attempts = whole["attempts"]
    assert isinstance(attempts, list)
    told = [(a["tier"], a["outcome"], a["reason"], a["cost_usd"], a["answer"]) for a in attempts]  # type: ignore[index, call-overload]
    assert told == [
        ("small", "rejected", "confidence: 0.2 < 0.8", "0", "spam"),
        ("mini", "failed", "429 of 'mini'", None, None),
        ("other", "skipped", "no key", "0", None),
        ("big", "rejected", "regex: 'maybe' does not match", "0.0123", "maybe"),
    ]
    assert [a["error"] and a["error"]["kind"] for a in attempts] == [None, "rate_limited", "error", None]  # type: ignore[index, call-overload]
    assert [a["cached"] for a in attempts] == [False, False, False, True]  # type: ignore[index, call-overload]
    assert whole["escalations"] == [
        {"from": "small", "to": "mini", "reason": "confidence: 0.2 < 0.8"},
        {"from": "mini", "to": "other", "reason": "429 of 'mini'"},
        {"from": "other", "to": "big", "reason": "no key"},
    ]
    assert (whole["status"], whole["exit_code"], whole["system"]) == ("rejected", 65, "be brief")
    assert whole["error"] == {"kind": "unaccepted", "message": "no tier passed its checks", "hint": "ask another way"}


def test_money_that_is_not_known_is_not_zero(tmp_path: Path) -> None:
    (row,) = _recorded(tmp_path, climbed())

    assert (row["cost_usd"], row["saved_usd"]) == (None, None)


def test_failed_and_interrupted_runs_are_recorded_too(tmp_path: Path) -> None:
    rows = _recorded(tmp_path, run(0), climbed(1), interrupted(2))

    assert [(row["status"], row["exit_code"]) for row in rows] == [
        ("interrupted", 130),
        ("rejected", 65),
        ("accepted", 0),
    ]


def test_a_run_that_began_and_never_ended_is_running_then_in_doubt(tmp_path: Path) -> None:
    book = _book(tmp_path)
    begin(book, "1abc", NOW - 5)
    begin(book, "0old", NOW - 200_000)  # its process id is alive, and cannot be the one that ran it
    book.close()

    rows = reading.runs(book.path, Filter(), NOW)

    assert [(row["run_id"], row["status"], row["exit_code"]) for row in rows] == [
        ("1abc", "running", None),
        ("0old", "in doubt", None),
    ]


def test_the_row_of_the_beginning_becomes_that_of_the_end(tmp_path: Path) -> None:
    book = _book(tmp_path)
    story = run()
    begin(book, story.run_id, story.started)
    book.record(story)
    book.ended(story.run_id, 141)
    book.close()

    (row,) = reading.runs(book.path, Filter(), NOW)

    assert (row["status"], row["exit_code"], row["model"]) == ("interrupted", 141, "small")


def test_the_same_text_is_kept_once(tmp_path: Path) -> None:
    _recorded(tmp_path, run(0, answer="bug"), run(1, answer="bug"), run(2, prompt="bug", answer="praise"))

    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as held:
        names = {row[0] for row in held.execute("SELECT sha256 FROM blobs")}

    assert names == {sha256_of(text) for text in ("classify this", "bug", "praise")}


def test_without_texts_nothing_of_prompt_or_answer_is_on_disk(tmp_path: Path) -> None:
    verdict = Verdict("regex", passed=False, reason=f"{SECRET!r} does not match", canonical=SECRET)
    best = Answered("small", "small", completion(SECRET), (verdict,))
    other = Answered("big", "big", completion("fine"), ())
    outcome = Outcome(attempts=(best, other), best=best)

    (row,) = _recorded(tmp_path, run(prompt=SECRET, outcome=outcome, system=SECRET), text=False)
    whole = reading.run(str(tmp_path / "ledger.sqlite3"), "last", NOW)

    assert (whole["prompt"], whole["answer"], whole["system"]) == (None, None, None)
    assert row["prompt_hash"] == sha256_of(SECRET)
    assert whole["attempts"][0]["reason"] == "regex"  # type: ignore[index, call-overload]
    for path in tmp_path.iterdir():
        assert SECRET.encode() not in path.read_bytes()
        assert b"cheese" not in path.read_bytes()


def test_a_memo_hit_repeats_what_stays_true(tmp_path: Path) -> None:
    first = run(0)
    facts = memo_facts(first)
    _recorded(tmp_path, first)
    path = str(tmp_path / "ledger.sqlite3")

    assert insert_memo_run(path, facts, START + 5, 0.004, 141) is None

    whole = reading.run(path, "last", NOW)
    assert (whole["memo"], whole["memo_of"], whole["cached"]) == (True, first.run_id, True)
    assert (whole["prompt"], whole["answer"], whole["route"]) == ("classify this", "bug", "tickets")
    assert (whole["cost_usd"], whole["saved_usd"], whole["exit_code"]) == ("0", "0.0031", 141)
    assert whole["tokens"] == {"input": 0, "output": 0, "cached": 0, "reasoning": 0, "estimated": False}


def test_a_memo_hit_begins_a_ledger_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.sqlite3"

    assert insert_memo_run(str(path), memo_facts(run()), START, 0.004, 0) is None

    assert len(reading.runs(str(path), Filter(), NOW)) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_files_are_for_their_owner_only_while_they_are_written(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        book = _book(tmp_path / "state")
        begin(book, "1", START)
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "state").iterdir()}
        book.close()
    finally:
        os.umask(before)

    assert modes == dict.fromkeys(("ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"), "0o600")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_what_no_column_can_say_costs_no_answer(tmp_path: Path) -> None:
    verdict = Verdict("v", passed=True, reason="\ud800", score=float("nan"))
    best = Answered("a", "a", completion("\ud800", usage=Usage(2**70, 1), confidence=float("nan")), (verdict,))
    warnings: list[str] = []
    book = Book(tmp_path, LedgerSettings(), warn=warnings.append)

    for _ in range(2):
        book.record(run(outcome=Outcome(attempts=(best,), best=best)))
    book.record(run(1))
    book.close()

    assert len(warnings) == 1
    assert [row["run_id"] for row in reading.runs(book.path, Filter(), NOW)] == [run(1).run_id]


def test_odd_texts_and_numbers_come_back(tmp_path: Path) -> None:
    verdict = Verdict("v", passed=True, reason="\ud800", score=float("nan"))
    best = Answered("a", "a", completion("\ud800\0"), (verdict,))
    decision = Decision("r", "found \udcff", "rule")

    _recorded(tmp_path, run(prompt="\ud800", decision=decision, outcome=Outcome(attempts=(best,), best=best)))
    whole = reading.run(str(tmp_path / "ledger.sqlite3"), "last", NOW)

    assert (whole["prompt"], whole["answer"]) == ("\ud800", "\ud800\0")
    assert json.loads(json.dumps(whole["attempts"], allow_nan=False))[0]["verdicts"][0]["score"] is None


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_ledger_is_set_aside_whole_and_a_new_one_begun(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(content)
    warnings: list[str] = []
    book = Book(tmp_path, LedgerSettings(), warn=warnings.append)

    begin(book, run().run_id, START)
    book.record(run())
    book.close()

    (aside,) = tmp_path.glob("ledger.sqlite3.damaged-*")
    assert aside.read_bytes() == content
    assert warnings == [f"the ledger {book.path} was damaged: it is kept as {aside}, and a new one was begun"]
    assert [row["run_id"] for row in reading.runs(book.path, Filter(), NOW)] == [run().run_id]


def test_a_memo_hit_sets_a_damaged_ledger_aside_too(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"garbage" * 1000)

    told = insert_memo_run(str(path), memo_facts(run()), START, 0.004, 0)

    assert told is not None
    assert "is kept as" in told
    assert len(reading.runs(str(path), Filter(), NOW)) == 1


def test_damage_that_is_met_in_the_middle_of_a_run_costs_only_what_was_in_the_file(tmp_path: Path) -> None:
    warnings: list[str] = []
    book = Book(tmp_path, LedgerSettings(), warn=warnings.append)
    for number in range(200):
        book.record(run(number, prompt=os.urandom(200).hex()), is_last=False)
    book.close()
    path = Path(book.path)
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + os.urandom(len(whole) - 8192))

    begin(book, run(500).run_id, START)
    book.record(run(500))
    book.record(run(501))
    book.close()

    assert [row["run_id"] for row in reading.runs(book.path, Filter(), NOW)] == [run(501).run_id, run(500).run_id]
    assert len(warnings) == 1
    assert len(list(tmp_path.glob("ledger.sqlite3.damaged-*"))) == 1


def test_two_damaged_ledgers_of_one_day_are_both_kept(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / "ledger.sqlite3").write_bytes(b"garbage %d" % number * 1000)
        Book(tmp_path, LedgerSettings(), warn=lambda _: None).record(run(number))

    kept = sorted(path.read_bytes()[:9] for path in tmp_path.glob("ledger.sqlite3.damaged-*"))
    assert kept == [b"garbage 0", b"garbage 1"]


def test_a_damaged_index_is_made_anew_and_nothing_else(tmp_path: Path) -> None:
    book = Book(tmp_path, LedgerSettings(), warn=pytest.fail)
    for number in range(index.LOT):
        book.record(run(number, prompt=f"question {number}"), is_last=False)
    book.close()
    with closing(sqlite3.connect(book.path)) as held:
        (part,) = held.execute("SELECT id FROM parts").fetchone()
        held.execute(f"UPDATE threes_{part}_data SET block = randomblob(length(block))")
        held.commit()

    for number in range(index.LOT, 3 * index.LOT):
        book.record(run(number, prompt=f"question {number}"), is_last=False)
    book.close()

    assert len(reading.runs(book.path, Filter(), NOW)) == 3 * index.LOT
    assert list(tmp_path.glob("*.damaged-*")) == []
    (row,) = searching.search(book.path, "question 7", Filter(most=1, since=START + 7, until=START + 8), NOW)
    assert row["run_id"] == run(7).run_id


def test_a_process_of_many_runs_keeps_its_ledger_open_between_them(tmp_path: Path) -> None:
    opened = []
    for number in range(3):
        book = Book(tmp_path, LedgerSettings(), warn=pytest.fail, stays=True)
        book.record(run(number), is_last=False)
        opened.append(book._book)
        book.close()

    assert opened[0] is opened[1] is opened[2]
    damage.set_aside(book.path, database.identity(book.path))
    book.record(run(3))
    assert [row["run_id"] for row in reading.runs(book.path, Filter(), NOW)] == [run(3).run_id]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ("resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))", "see whether the disk is full"),
        ("os.chmod(sys.argv[1], 0o500); os.getuid() or os.setuid(65534)", "see who may write there"),
    ],
)
def test_a_warning_says_what_to_do_about_it(tmp_path: Path, limits: str, said: str) -> None:
    for folder in (tmp_path / "state", tmp_path, *tmp_path.parents[:3]):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    code = (
        "import os, resource, sys\n"
        "from synapse_cli.ledger import blobs, book, patience, schema\n"
        "from synapse_cli.ledger.row import insert_memo_run\n"
        "from synapse_cli.core import places, exclusive\n"
        "from synapse_cli.ledger.story import memo_facts\n"
        "from tests.ledger.stories import run\n"
        f"{limits}\n"
        "written = book.Book(sys.argv[1], book.LedgerSettings(), warn=print)\n"
        "written.record(run())\n"
        "print(insert_memo_run(written.path, memo_facts(run()), 0.0, 0.0, 0))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "state")], check=False, capture_output=True, text=True, cwd=ROOT
    )

    lines = done.stdout.splitlines()
    assert (len(lines), done.stderr) == (2, "")
    assert all("ledger.sqlite3 cannot be written" in line and said in line for line in lines)


def test_a_ledger_that_another_program_holds_locked_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.2)
    _recorded(tmp_path, run(0))
    waits: list[float] = []
    warnings: list[str] = []
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        book = Book(tmp_path, LedgerSettings(), warn=warnings.append)
        for number in range(1, 4):
            began = time.monotonic()
            begin(book, run(number).run_id, START)
            book.record(run(number))
            waits.append(time.monotonic() - began)

    assert len(warnings) == 1
    assert "locked" in warnings[0]
    assert warnings[0].endswith("(another program holds it)")
    assert waits[0] >= 0.2 > max(waits[1:])


def test_a_folder_that_cannot_be_made_warns_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    warnings: list[str] = []
    book = Book(tmp_path / "file", LedgerSettings(), warn=warnings.append)

    begin(book, "1", 0.0)
    book.record(run())

    assert len(warnings) == 1


def test_old_runs_are_dropped_with_the_texts_that_only_they_said(tmp_path: Path) -> None:
    stories = [run(number, prompt=f"question {number}", answer="same") for number in range(10)]

    rows = _recorded(tmp_path, *stories, keep_s=1000 - 6.5)

    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as held:
        texts = held.execute("SELECT count(*) FROM blobs").fetchone()[0]
        others = [held.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("decisions", "attempts")]
    assert [row["run_id"] for row in rows] == [story.run_id for story in reversed(stories[7:])]
    assert (texts, others) == (4, [3, 3])


def test_it_stays_within_its_size_and_keeps_the_newest(tmp_path: Path) -> None:
    stories = [run(number, prompt=os.urandom(20_000).hex()) for number in range(200)]

    rows = _recorded(tmp_path, *stories, max_size=1_500_000)

    assert rows[0]["run_id"] == stories[-1].run_id
    assert 10 < len(rows) < 150
    assert (tmp_path / "ledger.sqlite3").stat().st_size < 4_500_000


def test_even_the_smallest_size_keeps_the_run_just_written(tmp_path: Path) -> None:
    rows = _recorded(tmp_path, run(0), run(1), max_size=1)

    assert [row["run_id"] for row in rows] == [run(1).run_id]


def test_no_write_ahead_log_is_left_behind(tmp_path: Path) -> None:
    book = _book(tmp_path)
    for number in range(3):
        begin(book, run(number).run_id, START)
        book.record(run(number))  # and no close: the process may leave without tear-down

    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite3"]


def test_a_run_recorded_twice_is_one_run(tmp_path: Path) -> None:
    story = run()
    book = _book(tmp_path)
    book.record(replace(story, outcome=Outcome(attempts=(), best=None)))
    book.record(story)
    book.close()

    assert len(reading.runs(book.path, Filter(), NOW)) == 1
