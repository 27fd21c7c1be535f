"""What a person says of an answer is kept beside its run; what was said last counts."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.ledger import reading, schema
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.feedback import Feedback, Judged, give
from synapse_cli.ledger.row import insert_memo_run
from synapse_cli.ledger.story import memo_facts
from synapse_cli.ledger.totals import Tally, tallies, totals
from synapse_cli.profile.settings import LedgerSettings
from tests.ledger.stories import START, begin, climbed, interrupted, run

NOW = START + 1000


def _book(folder: Path, *, text: bool = True) -> Book:
    return Book(folder, LedgerSettings(text=text), warn=pytest.fail)


def _path(folder: Path) -> str:
    return str(folder / schema.FILE)


def _say(folder: Path, wanted: str = "last", *, good: bool, at: float = NOW, **said: str) -> Judged:
    return give(_path(folder), wanted, Feedback(good=good, **said), at)


def _told(folder: Path) -> list[Tally]:
    return [tally for tally in tallies(_path(folder)) if tally.kind == "feedback"]


def test_what_is_said_last_counts_and_what_was_said_before_stays(tmp_path: Path) -> None:
    _book(tmp_path).record(run())
    first = _say(tmp_path, good=True)
    second = _say(tmp_path, good=False, at=NOW + 1, better="feature", note="it asks for more")

    told = reading.run(_path(tmp_path), "last", NOW)["feedback"]

    assert (first.before, second.before) == (None, True)
    assert (second.model, second.route, second.cache_keys) == ("small", "tickets", ("c" * 64,))
    assert isinstance(told, dict)
    assert (told["verdict"], told["better"], told["note"]) == ("bad", "feature", "it asks for more")
    assert [each["verdict"] for each in told["before"]] == ["good"]  # type: ignore[index, call-overload, union-attr]
    assert [row["feedback"] for row in reading.runs(_path(tmp_path), reading.Filter(), NOW)] == ["bad"]


def test_the_sums_count_each_answer_once(tmp_path: Path) -> None:
    book = _book(tmp_path)
    for number in range(3):
        book.record(run(number))
    before = totals(_path(tmp_path))
    for number, good in ((0, True), (1, False), (0, False), (0, True)):
        _say(tmp_path, run(number).run_id, good=good)

    assert _told(tmp_path) == [Tally("feedback", "small", "", 2, 1, 0, 0.0)]
    assert totals(_path(tmp_path)) == before


def test_a_hit_of_the_memo_leads_to_the_run_that_answered(tmp_path: Path) -> None:
    _book(tmp_path).record(run())
    insert_memo_run(_path(tmp_path), memo_facts(run()), START + 5, 0.01, 0)

    judged = _say(tmp_path, good=False)

    assert judged.run_id == run().run_id
    assert [row["feedback"] for row in reading.runs(_path(tmp_path), reading.Filter(), NOW)] == ["bad", "bad"]
    assert len(reading.runs(_path(tmp_path), reading.Filter(feedback="bad"), NOW)) == 2
    assert reading.runs(_path(tmp_path), reading.Filter(feedback="good"), NOW) == []


def test_what_is_no_answer_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run is recorded yet"):
        _say(tmp_path, good=True)
    book = _book(tmp_path)
    book.record(interrupted())
    with pytest.raises(UsageError, match="gave no answer"):
        _say(tmp_path, good=True)
    begin(book, run(1).run_id, START)
    with pytest.raises(UsageError, match="still running"):
        give(_path(tmp_path), "last", Feedback(good=True), START + 1)
    with pytest.raises(UsageError, match="more than one run's id begins"):
        _say(tmp_path, run().run_id[:4], good=True)
    with pytest.raises(UsageError, match="no run's id begins with 'zz'"):
        _say(tmp_path, "zz", good=True)
    assert _told(tmp_path) == []
    assert not (tmp_path / "none").exists()


def test_a_rejected_answer_may_be_called_good(tmp_path: Path) -> None:
    _book(tmp_path).record(climbed())

    assert _say(tmp_path, good=True).model == "big"


def test_another_tenants_run_is_not_there(tmp_path: Path) -> None:
    _book(tmp_path).record(run(tenant="acme"))

    with pytest.raises(UsageError, match="no run of tenant 'other'"):
        give(_path(tmp_path), "last", Feedback(good=True), NOW, tenant="other")
    with pytest.raises(UsageError, match="no run's id begins"):
        give(_path(tmp_path), run().run_id, Feedback(good=True), NOW, tenant="other")
    assert give(_path(tmp_path), "last", Feedback(good=True), NOW, tenant="acme").tenant == "acme"


@pytest.mark.parametrize("text", [True, False])
def test_texts_are_kept_only_where_those_of_the_run_are(tmp_path: Path, text: bool) -> None:
    _book(tmp_path, text=text).record(run())

    judged = _say(tmp_path, good=False, better="a secret", note="private")
    told = reading.run(_path(tmp_path), "last", NOW)["feedback"]

    assert isinstance(told, dict)
    assert judged.keeps_text is text
    assert (told["better"], told["note"]) == (("a secret", "private") if text else (None, None))
    assert len(str(told["better_hash"])) == 64
    assert b"private" not in Path(_path(tmp_path)).read_bytes() + _wal(tmp_path) or text


def _wal(folder: Path) -> bytes:
    wal = folder / f"{schema.FILE}-wal"
    return wal.read_bytes() if wal.exists() else b""


def test_a_forgotten_run_takes_what_was_said_with_it_but_not_out_of_the_sums(tmp_path: Path) -> None:
    from synapse_cli.ledger import upkeep

    _book(tmp_path).record(run())
    _say(tmp_path, good=False, better="a better one")

    upkeep.prune(_path(tmp_path), before=NOW, max_size=None)

    with closing(sqlite3.connect(_path(tmp_path))) as book:
        assert book.execute("SELECT (SELECT count(*) FROM feedback), (SELECT count(*) FROM blobs)").fetchone() == (0, 0)
    assert _told(tmp_path) == [Tally("feedback", "small", "", 1, 0, 0, 0.0)]


def test_a_ledger_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    _book(tmp_path).record(run())
    with closing(sqlite3.connect(_path(tmp_path))) as book:
        book.execute(f"PRAGMA user_version = {len(schema.STEPS) + 1}")

    with pytest.raises(InputError, match="newer Synapse: nothing is kept"):
        _say(tmp_path, good=True)


def test_eight_processes_say_at_once_and_each_is_kept(tmp_path: Path) -> None:
    _book(tmp_path).record(run())
    code = (
        "import sys\n"
        "from synapse_cli.ledger.feedback import Feedback, give\n"
        "for turn in range(5):\n"
        "    give(sys.argv[1], 'last', Feedback(good=(turn + int(sys.argv[2])) % 2 == 0), float(turn))\n"
    )
    line = [sys.executable, "-c", code, _path(tmp_path)]

    processes = [subprocess.Popen([*line, str(number)]) for number in range(8)]

    assert [process.wait(120) for process in processes] == [0] * 8
    with closing(sqlite3.connect(_path(tmp_path))) as book:
        said = [row[0] for row in book.execute("SELECT good FROM feedback ORDER BY id")]
    assert len(said) == 40
    assert [(tally.n, tally.good) for tally in _told(tmp_path)] == [(1, said[-1])]
