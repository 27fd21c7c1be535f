"""Whether what a policy was made for still holds is told from what happened under it."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synapse_cli.core.outcome import Answered, Outcome
from synapse_cli.core.way import Way
from synapse_cli.lab.drift import Drift, as_json, drift
from synapse_cli.learned.drift import NOTABLE, evidence_above, shift, spread
from synapse_cli.learned.policy import Policy, save
from synapse_cli.learned.promise import Data, Histogram, Measured, Promise, Target
from synapse_cli.ledger import schema
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.feedback import Feedback, give
from synapse_cli.ledger.shadowing import Queue, Queued, Result
from synapse_cli.profile.settings import LedgerSettings
from synapse_cli.report.drift import lines
from tests.e2e.machine import ECHO, Machine
from tests.ledger.stories import START, completion, run

SHARES = (0.25, 0.25, 0.25, 0.25)


def test_chance_alone_is_hardly_ever_a_shift() -> None:
    chance = random.Random(1)
    cried = 0
    for _ in range(200):
        seen = spread([chance.random() for _ in range(300)], (0.25, 0.5, 0.75))
        learned = spread([chance.random() for _ in range(1000)], (0.25, 0.5, 0.75))
        found = shift([count / 1000 for count in learned], seen, 1000)
        cried += found.psi > found.limit

    assert cried <= 8


def test_what_has_moved_is_a_shift_and_a_few_numbers_are_none() -> None:
    assert shift(SHARES, (100, 20, 20, 10), 1000).is_shift
    assert not shift(SHARES, (20, 4, 4, 2), 1000).is_shift
    assert not shift(SHARES, (26_000, 25_000, 25_000, 24_000), 1_000_000).is_shift  # sure, and nothing to act on
    assert shift(SHARES, (0, 0, 0, 0), 1000).psi == 0
    assert shift((1.0,), (100,), 1000).psi == 0
    assert shift((1.0, 0.0), (0, 100), 1000).psi > NOTABLE


def test_a_kept_promise_is_called_broken_in_five_of_a_hundred_at_most() -> None:
    chance = random.Random(2)
    broken = sum(evidence_above([float(chance.random() < 0.1) for _ in range(500)], 0.1) >= 20 for _ in range(200))

    assert broken <= 14  # 10 are allowed; 14 is the upper end of what 200 draws of them may give


def test_a_broken_promise_is_found() -> None:
    chance = random.Random(3)

    assert evidence_above([float(chance.random() < 0.3) for _ in range(200)], 0.1) > 1000
    assert evidence_above([], 0.1) == 1
    assert evidence_above([1.0] * 50, 0.0) == evidence_above([1.0] * 50, 1.0) == 1


def _policy(folder: Path, target: Target = "max_loss", limit: float = 0.01) -> Policy:
    policy = Policy(
        ways=(Way(("small",)), Way(("big",))),
        baseline="big",
        fallback=1,
        always=0,
        costs=(0.001, 0.01),
        scores=(0.9, 0.9),
        predictor=None,
        threshold=0.0,
        price=0.0,
        doubt_limit=1.0,
        promise=Promise(
            target=target, limit=limit, confidence=0.95, certified=True, bound=limit, method="t", baseline="big"
        ),
        data=Data(sha256="d" * 64, rows=40, fitted=20, tested=20, made="2026-01-01T00:00:00+00:00", version="1"),
        measured=Measured(score=0.9, cost=0.001, baseline_score=0.9, baseline_cost=0.01, shares=(1.0, 0.0)),
        summary={"length": Histogram((10.0, 20.0, 40.0), SHARES), "score": Histogram((0.5,), (0.5, 0.5))},
    )
    return replace(policy, sha256=save(str(folder / "policy"), policy))


def _decided(folder: Path, policy: Policy, lengths: list[int], **changes: Any) -> str:
    """Runs under a policy, one for each length of a prompt."""
    book = Book(folder, LedgerSettings(), warn=pytest.fail)
    for number, length in enumerate(lengths):
        whole = run(number, prompt=f"{number:03}".ljust(length, "x"), **changes)
        mark = policy.mark(policy.ways[0])
        book.record(
            replace(whole, decision=replace(whole.decision, policy=mark, score=0.25 + 0.5 * (number % 2))),
            is_last=False,
        )
    book.close()
    return str(folder / schema.FILE)


def _looked(path: str, policy: Policy) -> Drift:
    return drift(path, policy, None)


def _outcome(found: Drift, what: str) -> Any:
    return next(each for each in found.outcomes if each.what == what)


EVEN = [5, 15, 30, 60] * 20


def test_prompts_like_those_of_the_data_have_not_moved(tmp_path: Path) -> None:
    policy = _policy(tmp_path)
    found = _looked(_decided(tmp_path, policy, EVEN), policy)

    assert found.decisions == 80
    assert [(each.what, each.shift.n, each.shift.is_shift) for each in found.inputs if each.shift] == [
        ("length", 80, False),
        ("score", 80, False),
        ("ways", 80, False),
    ]
    assert found.reasons == ()


def test_longer_prompts_are_a_reason_to_tune_again(tmp_path: Path) -> None:
    policy = _policy(tmp_path)
    found = _looked(_decided(tmp_path, policy, [60] * 80), policy)

    assert found.reasons == ("prompts are not what they were: length",)
    assert "tune again: prompts are not what they were: length" in "\n".join(lines("tickets", as_json(found)))


def test_decisions_of_another_policy_do_not_count(tmp_path: Path) -> None:
    policy = _policy(tmp_path)
    path = _decided(tmp_path, replace(policy, sha256="e" * 64), EVEN)

    assert _looked(path, policy).decisions == 0


def _compared(path: str, number: int, result: Result) -> None:
    from synapse_cli.ledger.shadowing import queue

    item = Queued(
        run=run(number).run_id, profile="p", model="small", target="big", judge="big", request="{}", tenant=None
    )
    with schema.opened(path) as book:
        queue(book, item, START)
    Queue(path, "p").done(item.run, result, START)


def test_losses_beyond_the_promise_break_it(tmp_path: Path) -> None:
    policy = _policy(tmp_path)
    path = _decided(tmp_path, policy, EVEN)
    for number in range(60):
        _compared(path, number, "worse" if number % 3 == 0 else "same")

    found = _looked(path, policy)

    lost = _outcome(found, "lost in shadow")
    assert (lost.n, round(lost.found, 3), lost.allowed, lost.is_broken) == (60, 0.333, 0.01, True)
    assert found.reasons == ("outcomes are worse than was promised: lost in shadow",)


def test_losses_that_gains_make_up_for_do_not(tmp_path: Path) -> None:
    policy = _policy(tmp_path)
    path = _decided(tmp_path, policy, EVEN)
    for number in range(30):
        _compared(path, number, "worse" if number % 3 == 0 else "better" if number % 3 == 1 else "tie")

    assert _outcome(_looked(path, policy), "lost in shadow").is_broken is False


def test_people_who_call_too_many_answers_bad_break_it(tmp_path: Path) -> None:
    policy = _policy(tmp_path)
    path = _decided(tmp_path, policy, EVEN)
    for number in range(40):
        give(path, run(number).run_id, Feedback(good=number % 2 == 0), START)

    found = _looked(path, policy)

    assert (_outcome(found, "good by people").found, _outcome(found, "good by people").is_broken) == (0.5, True)
    assert (found.new_labels, found.may_gain) == (40, True)


@pytest.mark.parametrize(("cost", "broken"), [("0.02", True), ("0.005", False)])
def test_a_mean_cost_beyond_its_limit_breaks_it(tmp_path: Path, cost: str, broken: bool) -> None:
    from decimal import Decimal

    policy = _policy(tmp_path, "max_cost", 0.01)
    best = Answered("small", "small", completion(cost=Decimal(cost)), ())
    path = _decided(tmp_path, policy, EVEN, outcome=Outcome(attempts=(best,), best=best))

    assert _outcome(_looked(path, policy), "dollars a request").is_broken is broken


def test_a_share_beyond_its_limit_breaks_it(tmp_path: Path) -> None:
    policy = _policy(tmp_path, "budget_share", 0.3)
    best = Answered("big", "big", completion(), ())
    path = _decided(tmp_path, policy, EVEN, outcome=Outcome(attempts=(best,), best=best))

    assert _outcome(_looked(path, policy), "share that reached big").is_broken


def test_the_command_says_it_of_every_policy_of_the_profile(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.use(ECHO)
    none = machine.synapse("tune", "status")
    policy = _policy(machine.work)
    path = _decided(machine.state, policy, [60] * 80)
    drifted = machine.synapse("tune", "status", "--policy", "policy", "--json")
    missing = machine.synapse("tune", "status", "--policy", "none")
    machine.use(ECHO + f'policy = "{machine.work}/none"\n')
    named = machine.synapse("tune", "status")

    assert Path(path).exists()
    assert (none.code, "no route of this profile has a policy" in none.err) == (0, True)
    (told,) = json.loads(drifted.out)["policies"]
    assert (drifted.code, told["reasons"]) == (100, ["prompts are not what they were: length"])
    assert (missing.code, named.code) == (66, 78)
