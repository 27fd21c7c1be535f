"""Policies save what can be saved, promise what is shown, and say so where nothing is."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.lab.outcomes import Table
from synapse_cli.lab.tune import certify
from synapse_cli.lab.tune.again import again
from synapse_cli.lab.tune.goal import Goal
from synapse_cli.lab.tune.grid import grid
from synapse_cli.lab.tune.making import Tuned
from synapse_cli.lab.tune.setting import Known, Setting, along, looked, taken
from synapse_cli.lab.tune.split import split
from synapse_cli.lab.tune.tune import tune
from synapse_cli.learned import file, policy
from synapse_cli.learned.policy import Policy
from tests.tune import made

LOSS = Goal("max_loss", 0.03)


@pytest.fixture(scope="module")
def plenty() -> Table:
    return made.table(800)


@pytest.fixture(scope="module")
def tuned(plenty: Table) -> Tuned:
    return tune(plenty, LOSS)


@pytest.fixture(scope="module")
def budgeted(plenty: Table) -> Tuned:
    return tune(plenty, Goal("budget_share", 0.4))


def _replayed(policy: Policy, table: Table) -> tuple[float, float, float]:
    """Mean score lost, share saved, and share of the dearest model, prompt by prompt as a run would choose."""
    numbers = np.array([policy.choose(row.prompt).number for row in table.rows])
    found = grid(table, policy.ways)
    scores, costs, reached = along(found, numbers)
    base = policy.fallback
    return (
        float((found.scores[:, base] - scores).mean()),
        1 - float(costs.mean() / found.costs[:, base].mean()),
        float(reached.mean()),
    )


def test_what_is_certified_saves_and_holds_on_rows_that_nobody_saw(tuned: Tuned) -> None:
    lost, saved, _ = _replayed(tuned.policy, made.table(3000, seed=9))

    assert tuned.found
    assert tuned.policy.certified
    assert lost <= 0.03
    assert saved > 0.25


def test_no_row_that_was_fitted_is_tested(tuned: Tuned, plenty: Table) -> None:
    fitted, tested = split(plenty)

    assert not set(fitted) & set(tested)
    assert tuned.rows == tuple(tested)
    assert (tuned.policy.data.fitted, tuned.policy.data.tested) == (len(fitted), len(tested))


def test_a_policy_takes_prompt_by_prompt_what_was_tested_row_by_row(plenty: Table, budgeted: Tuned) -> None:
    """What is promised was measured with all rows at once; what runs is `Policy.choose`."""
    made_policy = budgeted.policy
    assert made_policy.predictor is not None
    prompts = [row.prompt for row in plenty.rows[:200]]
    known = Known(np.array(made_policy.costs), made_policy.fallback, made_policy.doubt_limit)

    for price, threshold in ((0.0, 0.0), (0.1, 0.05), (made_policy.price, made_policy.threshold), (-0.3, 0.0)):
        numbers = taken(
            Setting(None, price, threshold), looked(made_policy.predictor, prompts, None), known, len(prompts)
        )
        set_so = replace(made_policy, price=price, threshold=threshold)
        assert [set_so.choose(prompt).number for prompt in prompts] == numbers.tolist()


def test_the_order_of_rows_changes_no_byte_of_the_policy(tuned: Tuned, plenty: Table) -> None:
    again = tune(made.turned(plenty), LOSS)

    assert file.to_bytes(policy.to_learned(again.policy)) == file.to_bytes(policy.to_learned(tuned.policy))


def test_where_nothing_saves_everything_goes_to_the_best_and_labels_are_asked_for() -> None:
    found = tune(made.table(150, easy=0.6, hard=0.55, large=0.62), Goal("max_loss", 0.0))

    assert not found.found
    assert not found.policy.certified
    assert found.policy.choose("anything").way.tiers == (found.policy.baseline,)
    assert found.policy.measured.saved == 0
    assert found.labels_needed is None or found.labels_needed > 150


def test_too_few_labels_promise_nothing_that_many_do() -> None:
    """The same world, seen for 45 rows and for 500."""
    goal = Goal("max_loss", 0.0)
    few, many = (tune(made.table(rows, easy=0.8, hard=0.8, large=0.85, speaks=True), goal) for rows in (45, 500))

    assert not few.found
    assert few.labels_needed is None or few.labels_needed > 45
    assert many.found


def test_a_dear_model_that_others_equal_is_replaced_by_a_cascade_that_agrees() -> None:
    """Whoever guesses wrong guesses something else: two that agree are right."""
    found = tune(made.table(500, easy=0.8, hard=0.8, large=0.85, speaks=True), Goal("max_loss", 0.0))

    assert found.found
    chosen = [way for way, share in zip(found.policy.ways, found.policy.measured.shares, strict=True) if share > 0.2]
    assert any(len(way.tiers) > 1 and "agree" in way.accept[0] for way in chosen)
    assert found.policy.measured.loss < 0


def test_a_budget_of_the_dearest_model_is_kept_on_rows_that_nobody_saw(budgeted: Tuned) -> None:
    lost, _, reached = _replayed(budgeted.policy, made.table(2000, seed=5))

    assert budgeted.policy.certified
    assert 0.2 < reached <= 0.4
    assert lost < 0.15


@pytest.mark.parametrize(
    ("goal", "cost", "quality"), [(Goal("max_cost", 0.02), 0.02, 0), (Goal("min_quality", 0.8), 1, 0.8)]
)
def test_a_mean_cost_is_kept_and_a_mean_quality_reached(goal: Goal, cost: float, quality: float) -> None:
    found = tune(made.table(400, easy=0.8, hard=0.8, large=0.85, speaks=True), goal)
    fresh = made.table(2000, seed=6, easy=0.8, hard=0.8, large=0.85, speaks=True)

    lost, saved, _ = _replayed(found.policy, fresh)

    assert found.found
    assert (1 - saved) * made.COSTS["large"] <= cost
    assert float(fresh.scores()[:, -1].mean()) - lost >= quality


def test_an_estimate_is_marked_as_one_and_fits_all_rows() -> None:
    found = tune(made.table(190, easy=0.8, hard=0.8, large=0.85, speaks=True), LOSS, certifies=False)

    assert found.found
    assert not found.policy.certified
    assert "not certified" in found.policy.promise.line
    assert (found.policy.data.fitted, found.policy.data.tested) == (190, 0)
    assert found.policy.measured.saved > 0.4


def test_the_named_model_is_what_is_compared_with() -> None:
    few = made.table(150)
    found = tune(few, Goal("max_loss", 0.0), baseline="other")

    assert found.policy.baseline == "other"
    assert found.policy.measured.baseline_cost == pytest.approx(made.COSTS["other"])
    with pytest.raises(InputError, match="'nobody'"):
        tune(few, LOSS, baseline="nobody")


def test_a_policy_is_tested_anew_on_rows_of_which_none_is_fitted(tuned: Tuned) -> None:
    """Its predictor and its ways stay; a promise of its own is made from the new rows alone."""
    fresh, rest = made.table(500, seed=11), made.table(2000, seed=12)

    found = again(fresh, Goal("max_loss", 0.05), tuned.policy)

    lost, saved, _ = _replayed(found.policy, rest)
    assert found.policy.certified
    assert (found.policy.data.fitted, found.policy.data.tested) == (0, 500)
    assert found.policy.ways == tuned.policy.ways
    assert lost <= 0.05
    assert saved > 0.25
    assert not again(made.table(40, seed=13), Goal("max_loss", 0.0), tuned.policy).found


def test_a_table_of_a_few_rows_is_refused() -> None:
    with pytest.raises(InputError, match="holds 29 rows"):
        tune(made.table(29), LOSS)


def test_a_chain_ends_at_its_first_failure() -> None:
    a, b, c = (Setting(always=number) for number in range(3))
    shown = {a: 0.001, b: 0.9, c: 0.001}

    assert certify.certified([(a, b, c)], lambda each, allowed: shown[each] <= allowed, 0.05) == [a]


def test_chains_share_what_is_allowed_and_leave_their_share_to_others() -> None:
    """Holm: the second passes at the whole level only once the first has passed at half of it."""
    a, b = Setting(always=0), Setting(always=1)

    def passed(p_a: float, p_b: float) -> set[Setting]:
        p = {a: p_a, b: p_b}
        return set(certify.certified([(a,), (b,)], lambda each, allowed: p[each] <= allowed, 0.05))

    assert passed(0.04, 0.04) == set()
    assert passed(0.04, 0.02) == {a, b}
    assert passed(0.02, 0.06) == {a}


@pytest.mark.parametrize("limit", [0.0, 0.02])
def test_a_promise_is_broken_in_few_of_many_resamples(limit: float) -> None:
    """All of tune on 120 rows of a world where cheap models are a little worse than may be."""
    world = made.table(4000, seed=3, easy=0.8, hard=0.8, large=0.83)
    rest = world.scores().mean(axis=0)
    broken = 0
    for draw in range(60):
        rows = sorted(random.Random(draw).sample(range(4000), 120))
        found = tune(world.only(rows), Goal("max_loss", limit), baseline="large")
        if found.found and found.policy.always is not None:
            scores = grid(world, [found.policy.ways[found.policy.always]]).scores.mean()
            broken += float(rest[-1] - scores) > limit

    assert broken <= 8  # of 60: 5 % and three standard errors
