"""A call is written down before it is sent, and completed after; whatever is not sent leaves no row."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from synapse_cli.core.clock import FixedClock
from synapse_cli.core.completion import Completion, Count, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import CircuitOpen, CutStream, KeyMissing, RateLimited
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.ledger import reading
from synapse_cli.ledger.blobs import sha256_of
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.recorded import Record, Recorded
from synapse_cli.ledger.rows import Begun
from synapse_cli.profile.settings import LedgerSettings
from tests.e2e.machine import ECHO, Machine
from tests.ledger.stories import START, completion, run

REQUEST = Request(messages=(Message("user", "classify this"),))


class Model:
    """A backend that says what it is given, after it has looked into the ledger."""

    def __init__(self, path: str, *says: Completion | BaseException) -> None:
        self.path = path
        self.says = list(says)
        self.seen: list[tuple[object, ...]] = []

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        with closing(sqlite3.connect(self.path)) as database:
            self.seen += database.execute("SELECT place, outcome FROM calls ORDER BY place").fetchall()
        said = self.says.pop(0)
        if isinstance(said, BaseException):
            raise said
        return said

    def facts(self) -> Facts:
        return Facts(is_local=False, provider="openai", price=None)

    def count(self, messages: object) -> Count:
        return Count(1, estimated=True)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    made = Book(tmp_path, LedgerSettings(), warn=pytest.fail)
    made.begin(Begun(run_id=run().run_id, started=START, prompt="classify this", tenant="acme"))
    return made


def _recorded(book: Book, *says: Completion | BaseException, is_local: bool = False) -> tuple[Recorded, Model]:
    model = Model(book.path, *says)
    record = Record(book, run().run_id, FixedClock(START))
    return Recorded(model, record, model="mini", provider="openai", is_local=is_local, deployment="env:KEY_2"), model


def _calls(book: Book) -> list[dict[str, object]]:
    with closing(sqlite3.connect(book.path)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM calls ORDER BY run, place")]


def test_a_call_is_on_disk_when_it_is_sent_and_complete_when_it_is_answered(book: Book) -> None:
    backend, model = _recorded(book, completion(cost=Decimal("0.25"), usage=Usage(7, 2, 3, 1)))

    backend.complete(REQUEST, Control())

    (row,) = _calls(book)
    assert model.seen == [(0, None)]
    assert (row["outcome"], row["finish"], row["cost"], row["error_kind"]) == ("answered", "stop", "0.25", None)
    assert (row["input"], row["output"], row["cached_input"], row["reasoning"]) == (7, 2, 3, 1)
    assert (row["model"], row["provider"], row["deployment"], row["kind"]) == ("mini", "openai", "env:KEY_2", "tier")
    assert row["answer"] == sha256_of("bug")


def test_a_run_that_was_killed_says_what_was_asked_and_which_call_is_in_doubt(book: Book) -> None:
    backend, _ = _recorded(book, completion(), KeyboardInterrupt())
    backend.complete(REQUEST, Control())
    backend._record.begins(kind="tier", model="big", provider="openai", deployment=None)

    whole = reading.run(book.path, "last", START + 200_000)

    assert (whole["status"], whole["prompt"], whole["tenant"]) == ("in doubt", "classify this", "acme")
    assert [(call["model"], call["outcome"]) for call in whole["calls"]] == [("mini", "answered"), ("big", "in doubt")]  # type: ignore[index, union-attr, call-overload]
    assert [row["run_id"] for row in reading.runs(book.path, reading.Filter(status="in doubt"), START + 200_000)] == [
        run().run_id
    ]


@pytest.mark.parametrize("error", [CircuitOpen("open"), KeyMissing("no key")])
def test_what_was_not_sent_leaves_no_call(book: Book, error: Exception) -> None:
    backend, _ = _recorded(book, error)

    with pytest.raises(type(error)):
        backend.complete(REQUEST, Control())

    assert _calls(book) == []


@pytest.mark.parametrize(
    ("error", "is_local", "told"),
    [
        (RateLimited("429"), False, ("rate_limited", "0", 0)),
        (CutStream("cut"), False, ("cut", None, None)),
        (CutStream("cut"), True, ("cut", "0", 0)),
        (KeyboardInterrupt(), False, ("bug", None, None)),
        (RuntimeError("a bug"), True, ("bug", "0", 0)),
    ],
)
def test_a_failure_is_written_down_with_what_it_cost_where_that_is_known(
    book: Book, error: BaseException, is_local: bool, told: tuple[str, str | None, int | None]
) -> None:
    backend, _ = _recorded(book, error, is_local=is_local)

    with pytest.raises(type(error)):
        backend.complete(REQUEST, Control())

    (row,) = _calls(book)
    assert (row["error_kind"], row["cost"], row["input"]) == told
    assert row["outcome"] == "failed"


def test_calls_of_several_threads_have_rows_of_their_own(book: Book) -> None:
    backend, _ = _recorded(book, *(completion(f"answer {number}") for number in range(40)))

    with ThreadPoolExecutor(8) as pool:
        said = {each.text for each in pool.map(lambda _: backend.complete(REQUEST, Control()), range(40))}

    rows = _calls(book)
    assert [row["place"] for row in rows] == list(range(40))
    assert {row["answer"] for row in rows} == {sha256_of(text) for text in said}
    assert len(said) == 40


def test_without_texts_no_answer_of_a_call_is_kept(tmp_path: Path) -> None:
    book = Book(tmp_path, LedgerSettings(text=False), warn=pytest.fail)
    book.begin(Begun(run_id=run().run_id, started=START, prompt="the moon is made of cheese"))
    backend, _ = _recorded(book, completion("of cheese"))

    backend.complete(REQUEST, Control())
    book.close()

    for path in tmp_path.iterdir():
        assert b"cheese" not in path.read_bytes()
    assert _calls(book)[0]["answer"] == sha256_of("of cheese")


def test_every_call_of_a_real_run_is_there_and_none_with_no_log(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.use(ECHO)
    machine.synapse("run", "quiet", "--no-log")
    assert machine.ledger("SELECT 1") == []

    machine.synapse("run", "hello")
    machine.synapse("run", "hello", "--json")

    assert machine.ledger("SELECT kind, model, provider, outcome FROM calls") == [
        ("tier", "echo", "scripted", "answered")
    ]
    assert machine.ledger("SELECT count(*), sum(cached) FROM runs") == [(2, 1)]
    assert (
        "call 1      echo · scripted · answered"
        in machine.synapse("log", "show", machine.ledger("SELECT run FROM calls")[0][0]).out.decode()
    )
