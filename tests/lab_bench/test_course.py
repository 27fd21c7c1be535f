"""The calls of a bench: their order, what is cold, what is kept, and where they end."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path

import pytest

from synapse_cli.core.clock import FixedClock
from synapse_cli.lab.bench import journal
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.candidate import Choice, candidates
from synapse_cli.lab.bench.course import Course, Plan, Watch
from synapse_cli.lab.bench.figures import figures
from synapse_cli.lab.bench.memory import Memory
from tests.lab_bench.drawn import Drawn, lognormal, of_models, plan_of, profile_of, run


class Two:
    """Two models on one clock."""

    def __init__(self, folder: Path, fast_s: float = 1.0, slow_s: float = 2.0) -> None:
        self.clock = FixedClock()
        self.a = Drawn(self.clock, lambda: fast_s)
        self.b = Drawn(self.clock, lambda: slow_s)
        self.candidates = of_models(profile_of(folder), {"a": self.a, "b": self.b})

    def plan(self, prompts: int, **more: object) -> Plan:
        return plan_of(self.candidates, prompts, **more)


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


def test_every_prompt_goes_to_every_candidate_as_often_as_asked(two: Two) -> None:
    result = run(two.plan(5, repeats=3, warm_up=0), two.clock)

    asked = [(call.candidate, call.item, call.repeat) for call in result.calls]

    assert len(asked) == len(set(asked)) == 2 * 5 * 3
    assert sorted(two.a.asked) == sorted(two.b.asked)


def test_candidates_take_turns_prompt_by_prompt_and_neither_is_always_first(two: Two) -> None:
    result = run(two.plan(40, warm_up=0), two.clock)

    turns = list(itertools.batched(result.calls, 2)) if hasattr(itertools, "batched") else _by_twos(result.calls)

    assert all(one.item == other.item and one.candidate != other.candidate for one, other in turns)
    assert {one.candidate for one, _ in turns} == {"a", "b"}


def test_the_same_seed_is_the_same_order_and_another_is_another(two: Two) -> None:
    orders = [
        [(call.candidate, call.item) for call in run(two.plan(12, seed=seed), two.clock).calls] for seed in (1, 1, 2)
    ]

    assert orders[0] == orders[1] != orders[2]


def test_times_are_those_of_a_stopwatch_around_the_same_calls(tmp_path: Path) -> None:
    two = Two(tmp_path)
    two.a.draw, two.b.draw = lognormal(0.1, 0.4, 1), lognormal(0.12, 0.4, 2)

    result = run(two.plan(30), two.clock)

    for name, model in (("a", two.a), ("b", two.b)):
        measured = [call.total_s for call in result.calls if call.candidate == name]
        assert measured == pytest.approx(model.taken, rel=1e-4)
        firsts = [call.first_s for call in result.calls if call.candidate == name]
        assert firsts == pytest.approx([taken / 2 for taken in model.taken], rel=1e-4)


def test_warm_ups_are_made_first_and_counted_nowhere_but_as_the_cold_call(two: Two) -> None:
    times = iter([9.0, 8.0, *[1.0] * 12])
    two.a.draw = lambda: next(times)

    result = run(two.plan(6, warm_up=2), two.clock)
    found = figures("a", "model", result.calls, seed=0)

    assert [call.repeat for call in result.calls[:4]] == [-1] * 4
    assert (found.calls, found.warm, found.cold_s) == (6, 6, 9.0)
    assert found.total_s is not None
    assert found.total_s.estimate == 1.0


def test_without_warm_ups_the_first_call_is_cold_and_not_among_the_times(two: Two) -> None:
    times = iter([9.0, *[1.0] * 5])
    two.a.draw = lambda: next(times)

    result = run(two.plan(6, warm_up=0), two.clock)
    found = figures("a", "model", result.calls, seed=0)

    assert (found.calls, found.warm, found.cold_s) == (6, 5, 9.0)
    assert found.p99_s is not None
    assert found.p99_s.estimate == 1.0


def test_a_candidate_whose_warm_up_failed_is_still_cold_at_its_first_answer(tmp_path: Path) -> None:
    text = """schema = 1
[models.a]
backend = "scripted"
replies = [{ match = "prompt 2", error = "auth" }, { text = "an answer" }]
[routes.default]
use = "a"
"""
    found = candidates(Choice(models=["a"]), [profile_of(tmp_path, text)])

    calls = run(plan_of(tuple(found), 3, repeats=2), FixedClock()).calls

    assert next((call.repeat, call.error) for call in calls if call.cold) == (-1, "auth")
    assert sum(call.cold and call.answered for call in calls) == 1
    assert figures("a", "model", calls, seed=0).warm == 3


def test_a_bench_goes_on_with_the_calls_that_are_missing(two: Two) -> None:
    whole = run(two.plan(6, repeats=2), two.clock).calls
    done = [call for call in whole if call.counts][:10]
    two.a.asked.clear()
    two.b.asked.clear()

    result = run(two.plan(6, repeats=2), two.clock, done)

    assert {(c.candidate, c.item, c.repeat) for c in result.calls if c.counts} == {
        (c.candidate, c.item, c.repeat) for c in whole if c.counts
    }
    assert len(two.a.asked) + len(two.b.asked) == 24 - 10 + 2  # a warm-up for each: the models are cold again


def test_a_bench_that_is_done_asks_nobody(two: Two) -> None:
    whole = run(two.plan(3), two.clock).calls
    two.a.asked.clear()

    result = run(two.plan(3), two.clock, whole)

    assert (result.calls, two.a.asked) == (whole, [])


def test_no_call_is_begun_when_the_time_is_over(two: Two) -> None:
    result = run(two.plan(100, max_time_s=20.0, warm_up=0), two.clock)

    assert result.end == "time"
    assert 20 <= sum(call.total_s for call in result.calls) <= 22


@pytest.mark.parametrize("at_once", [1, 4])
def test_money_that_is_spent_ends_the_bench_and_is_not_exceeded(tmp_path: Path, at_once: int) -> None:
    """The prices are those of the profile: a call of 10 and 5 tokens costs 0.06 dollars, its upper bound more."""
    text = """schema = 1
[models.a]
backend = "scripted"
price = { input = 1000, output = 10_000 }
params = { max_tokens = 5 }
replies = [{ text = "an answer", tokens = { input = 10, output = 5 } }]
[routes.default]
use = "a"
"""
    found = candidates(Choice(models=["a"]), [profile_of(tmp_path, text)])
    plan = plan_of(tuple(found), 100, max_cost=Decimal("0.50"), warm_up=0, concurrency=at_once)

    result = run(plan, FixedClock())

    spent = sum((call.cost or Decimal(0) for call in result.calls), Decimal(0))
    assert result.end == "money"
    assert Decimal("0.24") <= spent <= Decimal("0.50")
    assert all(call.answer == "an answer" for call in result.calls)


def test_stopping_ends_the_bench_and_keeps_what_is_done(two: Two) -> None:
    course: Course
    heard: list[Call] = []

    def hear(call: Call) -> None:
        heard.append(call)
        if len(heard) == 7:
            course.stop()

    course = Course(two.plan(50), two.clock, Memory(tuple), Watch(call=hear, run=lambda _: None))
    result = course.run()

    assert (result.end, len(result.calls), len(heard)) == ("interrupted", 7, 7)


def test_calls_at_the_same_time_are_all_made_once(two: Two) -> None:
    result = run(two.plan(40, repeats=2, concurrency=8), two.clock)

    assert len({(c.candidate, c.item, c.repeat) for c in result.calls if c.counts}) == 160
    assert len(result.calls) == 162


def test_a_prompt_that_stands_twice_is_asked_twice(two: Two, tmp_path: Path) -> None:
    from synapse_cli.lab.bench.prompts import Given, prompts

    given = Given(words=["same", "same"], files=[], stdin=None, columns={}, cwd=str(tmp_path))
    items = prompts(given)

    assert len({item.key for item in items}) == 2
    assert items[0].key == items[1].key.partition(".")[0]


def test_a_journal_gives_back_the_calls_it_was_given(two: Two, tmp_path: Path) -> None:
    plan = two.plan(4)
    kept = journal.Journal(str(tmp_path / "new" / "b.jsonl"), plan.fingerprint)
    course = Course(plan, two.clock, Memory(tuple), Watch(call=kept.append, run=lambda _: None))

    result = course.run()
    kept.close()
    read = journal.read(kept.path)

    assert read == journal.Unfinished(plan.fingerprint, result.calls)


def test_a_line_that_a_crash_cut_short_is_left_out_and_the_next_one_is_not(two: Two, tmp_path: Path) -> None:
    path = str(tmp_path / "b.jsonl")
    calls = run(two.plan(3), two.clock).calls
    first = journal.Journal(path, "plan")
    first.append(calls[0])
    first.close()
    with open(path, "ab") as file:
        file.write(b'{"candidate": "a", "ite')

    second = journal.Journal(path, "plan")
    second.append(calls[1])
    second.close()

    assert journal.read(path) == journal.Unfinished("plan", calls[:2])


def test_other_prompts_candidates_or_settings_are_another_plan(two: Two) -> None:
    plans = [two.plan(3), two.plan(4), two.plan(3, repeats=2), two.plan(3, seed=1)]
    same = [two.plan(3, concurrency=4), two.plan(3, max_cost=Decimal(1)), two.plan(3, max_time_s=1.0)]

    assert len({plan.fingerprint for plan in plans}) == 4
    assert {plan.fingerprint for plan in same} == {plans[0].fingerprint}


def test_who_holds_a_control_when_the_bench_is_stopped_is_stopped_too(two: Two) -> None:
    course = Course(two.plan(3), two.clock, Memory(tuple), Watch(call=lambda _: None, run=lambda _: None))
    two.a.draw = lambda: _stop(course, 1.0)

    course.run()

    assert [control.stopped for control in two.a.controls] == [True]


def _stop(course: Course, seconds: float) -> float:
    course.stop()
    return seconds


def _by_twos(calls: tuple[Call, ...]) -> list[tuple[Call, ...]]:
    return [calls[at : at + 2] for at in range(0, len(calls), 2)]
