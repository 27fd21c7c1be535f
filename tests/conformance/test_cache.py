"""The suite of the Store port, over every cache that ships."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from synapse_cli.cache.answers import Answers
from synapse_cli.cache.exact import Exact
from synapse_cli.cache.memory import Memory
from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.outcome import Decision
from synapse_cli.core.verdict import Verdict

WHOLE = Completion(
    text="läuft\n\0 \ud800",
    finish="length",
    usage=Usage(12, 3, 4, 1, estimated=True),
    cost=Decimal("0.0000100"),
    confidence=0.25,
    latency_s=1.5,
    first_latency_s=0.5,
    thinking="hm",
    tool_calls=('{"arguments":{},"name":"f"}',),
    warnings=("the template failed",),
)
BARE = Completion(text="", finish="stop", usage=Usage(), cost=None)


class Wall:
    """A wall clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def now(self) -> float:
        return self.at


def _text(store: Answers) -> str | None:
    kept = store.get_completion("k")
    return None if kept is None else kept.text


@pytest.fixture
def wall() -> Wall:
    return Wall()


def _exact(path: Path, now: Callable[[], float]) -> Answers:
    return Exact(path, warn=pytest.fail, now=now)


@pytest.fixture(params=["exact", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, wall: Wall) -> Iterator[Answers]:
    made = Memory(wall.now) if request.param == "memory" else _exact(tmp_path, wall.now)
    yield made
    made.close()


@pytest.mark.parametrize("completion", [WHOLE, BARE])
def test_an_answer_comes_back_exactly_and_says_when_it_was_kept(
    store: Answers, completion: Completion, wall: Wall
) -> None:
    store.put_completion("k", replace(completion, cached=True, cache_key="other"))
    wall.at += 5

    assert store.get_completion("k") == replace(completion, kept_at=wall.at - 5)


def test_money_keeps_its_digits(store: Answers) -> None:
    store.put_completion("k", WHOLE)

    kept = store.get_completion("k")

    assert kept is not None
    assert str(kept.cost) == "0.0000100"


def test_an_answer_larger_than_a_row_comes_back(store: Answers) -> None:
    long = Completion(text="ä" * 300_000, finish="stop", usage=Usage(1, 1), cost=None)

    store.put_completion("k", long)

    kept = store.get_completion("k")
    assert kept is not None
    assert kept.text == long.text


def test_nothing_is_found_under_another_key_or_kind(store: Answers) -> None:
    store.put_completion("k", BARE)

    assert store.get_completion("K") is None
    assert store.get_verdicts("k", "r") is None
    assert store.get_decision("k") is None


def test_a_later_answer_replaces_an_earlier_one(store: Answers) -> None:
    store.put_completion("k", BARE)
    store.put_completion("k", WHOLE)

    assert _text(store) == WHOLE.text
    assert len(list(store.entries())) == 1


def test_an_answer_ends_when_its_time_is_over(store: Answers, wall: Wall) -> None:
    store.put_completion("k", BARE, ttl_s=60)

    wall.at += 59
    assert _text(store) == BARE.text
    wall.at += 1
    assert store.get_completion("k") is None
    assert list(store.entries()) == []


def test_a_reader_may_want_it_fresher_than_the_writer_did(store: Answers, wall: Wall) -> None:
    store.put_completion("k", BARE)
    wall.at += 60

    assert store.get_completion("k", max_age_s=60) is None
    assert store.get_completion("k", max_age_s=61) is not None


def test_verdicts_belong_to_an_answer_and_to_rules(store: Answers) -> None:
    verdicts = (
        Verdict("confidence", passed=False, reason="0.25 < 0.8", score=0.25),
        Verdict("choices", passed=True, canonical="Bug", evaluated=False),
    )

    store.put_verdicts("k", "rules", verdicts)

    assert store.get_verdicts("k", "rules") == verdicts
    assert store.get_verdicts("k", "other rules") is None
    assert store.get_verdicts("other", "rules") is None


def test_no_verdicts_are_not_the_same_as_none_kept(store: Answers) -> None:
    store.put_verdicts("k", "rules", ())

    assert store.get_verdicts("k", "rules") == ()


def test_a_decision_comes_back_exactly(store: Answers) -> None:
    decision = Decision("tickets", "regex matched", "rule", 0.5, (("mail", "no keyword"), ("code", "off")))

    store.put_decision("q", decision)

    assert store.get_decision("q") == decision


def test_a_kept_decision_took_nothing_now(store: Answers) -> None:
    store.put_decision("q", Decision("tickets", "nano said so", "model", 0.9, (), Usage(100, 1)))

    assert store.get_decision("q") == Decision("tickets", "nano said so", "model", 0.9)


def test_a_confidence_that_is_no_number_is_not_kept(store: Answers) -> None:
    store.put_completion("k", Completion(text="a", finish="stop", usage=Usage(), cost=None, confidence=float("nan")))

    assert store.get_completion("k") is None


def test_entries_say_what_is_kept(store: Answers, wall: Wall) -> None:
    store.put_completion("b", BARE, ttl_s=5, label="nano")
    store.put_decision("a", Decision("r", "w", "task"))

    found = [(e.key, e.kind, e.label, e.kept_at, e.expires_at) for e in store.entries()]

    assert found == [("b", "answer", "nano", wall.at, wall.at + 5), ("a", "decision", "r", wall.at, None)]
    assert store.bytes_used() > 0


def test_clear_drops_everything_and_says_how_much(store: Answers) -> None:
    for name in "abc":
        store.put_completion(name, WHOLE)

    assert store.clear() == 3
    assert store.get_completion("a") is None
    assert store.clear() == 0


def test_it_still_works_after_it_was_closed(store: Answers) -> None:
    store.close()
    store.put_completion("k", BARE)

    assert _text(store) == BARE.text


def test_threads_may_share_it(store: Answers) -> None:
    def use(number: int) -> Completion | None:
        text = Completion(text=str(number), finish="stop", usage=Usage(), cost=None)
        store.put_completion(str(number), text)
        return store.get_completion(str(number))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(use, range(80)))

    assert [kept.text for kept in found if kept] == [str(number) for number in range(80)]
