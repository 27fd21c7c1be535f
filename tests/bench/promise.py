"""Do promises hold? Policies calibrated on few rows of public tables, again and again, against the rows left over.

    python -m tests.bench.promise [math|simpleqa|promise|budget|mixed|all] [RESAMPLES]

Reads the tables in $SYNAPSE_DATA; everything is done by the functions that `synapse tune` uses. With SYNAPSE_FULL=1
predictors also use embeddings (the first time the prompts are encoded, which takes minutes).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from synapse_cli.core.way import Way
from synapse_cli.lab import outcomes
from synapse_cli.lab.outcomes import Table
from synapse_cli.lab.predict.fit import fit
from synapse_cli.lab.tune import certify, sequence
from synapse_cli.lab.tune.frontier import Frontier, frontier
from synapse_cli.lab.tune.goal import Goal
from synapse_cli.lab.tune.grid import Grid, grid
from synapse_cli.lab.tune.judged import Judged
from synapse_cli.lab.tune.making import Tuned
from synapse_cli.lab.tune.sequence import Field
from synapse_cli.lab.tune.setting import Known, Looks, Setting, along, from_looks, looked, taken
from synapse_cli.lab.tune.tune import tune
from synapse_cli.learned.bound import t_quantile
from synapse_cli.learned.policy import Policy

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]

RESAMPLES = 1000
BROKEN = 0.065
SONNET, QWEN = "claude-3-5-sonnet-20241022", "Qwen2.5-72B-Instruct"


def main(arguments: Sequence[str]) -> int:
    """Print what was asked for; return 1 where a floor is missed."""
    if not os.environ.get("SYNAPSE_DATA"):
        sys.stdout.write("SYNAPSE_DATA is not set: it names the folder of the public tables\n")
        return 1
    what = arguments[0] if arguments else "all"
    resamples = int(arguments[1]) if len(arguments) > 1 else RESAMPLES
    parts = {"math": math, "simpleqa": simpleqa, "promise": promise, "budget": budget, "mixed": mixed}
    chosen = parts.values() if what == "all" else [parts[what]]
    kept = [part(resamples) for part in chosen]
    return 0 if all(kept) else 1


def math(resamples: int) -> bool:
    """Cascades with checks chosen by tune, on 20 halves of the table; saved and gained on the other half."""
    del resamples
    table = _table("math")
    _heading("outcomes_math: 20 halves, tuned on one, measured on the other")
    kept = True
    for best, certifies in ((SONNET, True), (SONNET, False), (QWEN, True)):
        found = [_on_half(table, Goal("max_loss", 0.01), best, certifies, draw) for draw in range(20)]
        saved, gain = _mean(each.saved for each in found), _mean(each.gain for each in found)
        proved = sum(each.tuned.found for each in found)
        mode = "certified" if certifies else "--no-certify"
        _say(f"--best {best} {mode}: saved {saved:.1%}, {100 * gain:+.2f} points; {proved} of 20 found a policy")
        if best == SONNET and certifies:
            kept &= _floor("saved", saved, 0.30) & _floor("points gained", 100 * gain, 3.5)
        if best == QWEN:
            kept &= _floor("points gained", 100 * gain, -1.0)
    _beside(table, SONNET)
    return kept


def simpleqa(resamples: int) -> bool:
    """The whole of `tune` on few rows: how often what it stated does not hold on the rest."""
    table = _table("simpleqa")
    _heading(f"outcomes_simpleqa: all of tune on {_few(table)} rows, {resamples} resamples, against the rest")
    kept = True
    for limit in (0.0, 0.01, 0.02):
        broken, found, saved = _resampled_tune(table, Goal("max_loss", limit), resamples)
        _say(f"--max-loss {limit:.0%}: certified {found:.1%} of resamples, saved {saved:.1%}")
        kept &= _ceiling("loss beyond what was stated", broken, BROKEN)
    _beside(table, None)
    return kept


def promise(resamples: int) -> bool:
    """`--max-loss` with a predictor learned elsewhere, calibrated on few rows."""
    kept = True
    for name, learned in (("mmlu", 1500), ("mixed", 1500), ("simpleqa", 700), ("math", 240)):
        course = _course(name, learned)
        few = _few(course.table)
        _heading(f"outcomes_{name}: --max-loss calibrated on {few} rows, {resamples} resamples, against the rest")
        for limit in (0.01, 0.02, 0.05):
            found = _resampled(course, Goal("max_loss", limit), few, resamples)
            plain = _resampled(course, Goal("max_loss", limit), few, resamples, plain=True)
            _say(
                f"{100 * limit:.0f} points: asks the best model in {found.dear:.1%}, saves {found.saved:.1%} "
                f"(a plain t-bound: {plain.dear:.1%}, broken in {plain.broken:.1%})"
            )
            kept &= _ceiling("broken", found.broken, BROKEN)
            if name == "mmlu" and limit == 0.02:
                kept &= _ceiling("share of the best model", found.dear, 0.85)
    return kept


def budget(resamples: int) -> bool:
    """`--budget-share`, calibrated on few rows."""
    kept = True
    for name, learned in (("mmlu", 1500), ("mixed", 1500), ("simpleqa", 700)):
        course = _course(name, learned)
        few = _few(course.table)
        _heading(f"outcomes_{name}: --budget-share calibrated on {few} rows, {resamples} resamples, against the rest")
        for limit in (0.2, 0.5):
            found = _resampled(course, Goal("budget_share", limit), few, resamples)
            _say(f"{limit:.0%}: the dearest model is asked in {found.reached:.1%}, mean score {found.score:.3f}")
            kept &= _ceiling("overspent", found.broken, BROKEN)
    return kept


def mixed(resamples: int) -> bool:
    """Arbitrage over nine models, without and with certification, on 5 halves."""
    del resamples
    table = _table("mixed")
    _heading("outcomes_mixed: 5 halves, 0 points allowed, against the best single model of the fitted half")
    kept = True
    for certifies in (False, True):
        found = [_on_half(table, Goal("max_loss", 0.0), None, certifies, draw) for draw in range(5)]
        saved, gain = _mean(each.saved for each in found), _mean(each.gain for each in found)
        proved = sum(each.tuned.policy.certified for each in found)
        mode = f"certified ({proved} of 5)" if certifies else "--no-certify"
        _say(f"{mode}: saved {saved:.1%}, {100 * gain:+.2f} points")
        if not certifies:
            kept &= _floor("saved", saved, 0.55) & _floor("points gained", 100 * gain, 0.0)
    _beside(table, None)
    return kept


@dataclass(frozen=True, slots=True)
class Half:
    """A policy of one half, on the other."""

    tuned: Tuned
    saved: float
    gain: float


def _on_half(table: Table, goal: Goal, best: str | None, certifies: bool, draw: int) -> Half:  # of a bench
    fitted, rest = _halves(len(table.rows), draw)
    vectors = _vectors(table)
    tuned = tune(
        table.only(fitted.tolist()),
        goal,
        baseline=best,
        vectors=None if vectors is None else vectors[fitted],
        encoder=None if vectors is None else "minilm",
        certifies=certifies,
    )
    scores, costs, base_scores, base_costs = _replayed(table, tuned.policy, rest)
    return Half(tuned, 1 - float(costs.mean() / base_costs.mean()), float((scores - base_scores).mean()))


def _replayed(
    table: Table, policy: Policy, rows: Whole, judged: Judged | None = None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Scores and dollars of the policy and of its baseline."""
    part = table.only(rows.tolist())
    own_judged = None if judged is None else judged.only(rows.tolist())
    found = grid(part, (*policy.ways, Way((policy.baseline,))), own_judged)
    looks = None
    if policy.always is None and policy.predictor is not None:
        vectors = _vectors(table) if policy.encoder is not None else None
        own = None if vectors is None else vectors[rows]
        looks = looked(policy.predictor, [row.prompt for row in part.rows], own)
    known = Known(np.array(policy.costs), policy.fallback, policy.doubt_limit)
    setting = Setting(policy.always, policy.price, policy.threshold)
    scores, costs, _ = along(found, taken(setting, looks, known, len(rows)))
    return scores, costs, found.scores[:, -1], found.costs[:, -1]


def _resampled_tune(table: Table, goal: Goal, resamples: int) -> tuple[float, float, float]:
    """How often the stated limit is broken, how often anything was certified, and what was saved in the mean."""
    judged, broken, found, saved = Judged(table), 0, 0, []
    for model in table.models:
        judged.normals(model, "answer")
        judged.signal(model, {"kind": "refusal"})
    for draw in range(resamples):
        order = np.random.default_rng(draw).permutation(len(table.rows))
        few, rest = np.sort(order[: _few(table)]), np.sort(order[_few(table) :])
        part = table.only(few.tolist())
        tuned = tune(part, goal, baseline=_best(table), judged=judged.only(few.tolist()))
        scores, costs, base_scores, base_costs = _replayed(table, tuned.policy, rest, judged)
        found += tuned.found
        broken += tuned.found and float((base_scores - scores).mean()) > goal.limit
        saved.append(1 - float(costs.mean() / base_costs.mean()))
    return broken / resamples, found / resamples, _mean(saved)


@dataclass(frozen=True, slots=True)
class Course:
    """A predictor of some rows, and what it says of all others."""

    table: Table
    field: Field
    fixed: Field
    rest: Grid
    looks: Looks
    known: Known
    baseline: int


@cache
def _course(name: str, learned: int) -> Course:
    table = _table(name)
    order = np.random.default_rng(0).permutation(len(table.rows))
    fitted, rest = np.sort(order[:learned]), np.sort(order[learned:])
    vectors = _vectors(table)
    every = grid(table, [Way((model,)) for model in table.models])
    known = Known(every.costs[fitted].mean(axis=0), int(every.scores[fitted].mean(axis=0).argmax()), 1.0)
    rows = [table.rows[row] for row in fitted]
    tasks = [row.task for row in rows]
    found = fit(
        [row.prompt for row in rows],
        every.scores[fitted].tolist(),
        tasks if len(set(tasks)) > 1 else None,
        vectors=None if vectors is None else vectors[fitted].astype(np.float64),
        encoder=None if vectors is None else "minilm",
    )
    held_out = from_looks(found.held_out)
    known = replace(known, doubt_limit=float(np.quantile(held_out.doubts, 0.99)))
    own = None if vectors is None else vectors[rest]
    looks = looked(found.predictor, [table.rows[row].prompt for row in rest], own)
    field = Field(every.rows(fitted), held_out, known, known.fallback, Goal("max_loss", 0.01), _few(table))
    return Course(table, field, replace(field, looks=None), every.rows(rest), looks, known, known.fallback)


@dataclass(frozen=True, slots=True)
class Resampled:
    """Means over resamples."""

    broken: float
    dear: float
    """Of requests that the baseline answers."""
    reached: float
    """Of requests that reach the dearest model."""
    saved: float
    score: float


def _resampled(course: Course, goal: Goal, few: int, resamples: int, *, plain: bool = False) -> Resampled:
    """Test the laid-out settings on few rows, again and again; the last that passes is measured on the rest."""
    field, fixed = replace(course.field, goal=goal), replace(course.fixed, goal=goal)
    chains = sequence.chains(field, fixed)
    settings = list(dict.fromkeys([*(each for chain in chains for each in chain), Setting(always=course.baseline)]))
    rows = len(course.rest.scores)
    numbers = {each: taken(each, course.looks, course.known, rows) for each in settings}
    paths = {each: along(course.rest, numbers[each]) for each in settings}
    base = course.rest.scores[:, course.baseline]
    spent = {each: goal.spent(*paths[each], base) for each in settings}
    sums: list[tuple[float, float, float, float, float]] = []
    for draw in range(resamples):
        order = np.random.default_rng(draw).permutation(rows)
        sample, rest = order[:few], order[few:]

        def is_shown(setting: Setting, allowed: float, sample: Whole = sample) -> bool:
            values = spent[setting][sample]
            return _plain_t(values, goal, allowed) if plain else goal.is_shown(values, allowed)

        passed = certify.certified(chains, is_shown, 1 - goal.confidence)
        chosen = _preferred(passed, paths, sample, goal) or Setting(always=course.baseline)
        scores, costs, reached = (each[rest] for each in paths[chosen])
        sums.append(
            (
                float(bool(passed) and float(spent[chosen][rest].mean()) > goal.highest_mean),
                float((numbers[chosen][rest] == course.baseline).mean()),
                float(reached.mean()),
                1 - float(costs.mean() / course.rest.costs[rest, course.baseline].mean()),
                float(scores.mean()),
            )
        )
    return Resampled(*np.mean(sums, axis=0).tolist())


def _preferred(
    passed: Sequence[Setting],
    paths: dict[Setting, tuple[Floats, Floats, npt.NDArray[np.bool_]]],
    sample: Whole,
    goal: Goal,
) -> Setting | None:
    if not passed:
        return None
    if goal.saves:
        return min(passed, key=lambda each: float(paths[each][1][sample].mean()))
    return max(passed, key=lambda each: float(paths[each][0][sample].mean()))


def _plain_t(values: Floats, goal: Goal, allowed: float) -> bool:
    """What many do: Student's t on the losses that were seen."""
    reach = t_quantile(1 - allowed, len(values) - 1) * float(values.std(ddof=1)) / len(values) ** 0.5
    return bool(float(values.mean()) + reach <= goal.highest_mean)


def _beside(table: Table, best: str | None) -> None:
    """Random, prompt length, every single model and the oracle, on the rows of one half."""
    fitted, _ = _halves(len(table.rows), 0)
    found = frontier(table, _baseline_only(table, best or _best(table), fitted))
    _say("beside it (score, saved):")
    for line in _frontier_lines(found):
        _say(f"  {line}")


def _baseline_only(table: Table, best: str, rows: Whole) -> Tuned:
    return tune(table, Goal("max_loss", 0.0), baseline=best, parts=(rows[:30].tolist(), rows.tolist()))


def _frontier_lines(found: Frontier) -> Iterator[str]:
    for spot in found.spots[1:]:
        yield f"{spot.score.estimate:.3f}  {spot.saved:6.1%}  {spot.kind} {spot.name}"
    for line in (found.random, found.length):
        for spot in line[3:10:3]:
            yield f"{spot.score.estimate:.3f}  {spot.saved:6.1%}  {spot.kind} {spot.name}"


@cache
def _table(name: str) -> Table:
    return outcomes.read(os.path.join(os.environ["SYNAPSE_DATA"], f"outcomes_{name}.jsonl.gz"))


_KEPT: dict[str, Vectors] = {}


def _vectors(table: Table) -> Vectors | None:
    """The prompts' vectors, from the store of the product; none where words are to be enough."""
    if not os.environ.get("SYNAPSE_FULL"):
        return None
    if table.name not in _KEPT:
        from synapse_cli.cli.profiles import find_profile
        from synapse_cli.core.witness import Witness
        from synapse_cli.flows.encoding import find_model
        from synapse_cli.lab.vectors import vectors

        profile = find_profile(None, Witness())
        _KEPT[table.name] = vectors([row.prompt for row in table.rows], find_model(None, profile), profile)
    return _KEPT[table.name]


def _best(table: Table) -> str:
    return table.models[int(table.scores().mean(axis=0).argmax())]


def _few(table: Table) -> int:
    return min(300, len(table.rows) // 10)


def _halves(rows: int, draw: int) -> tuple[Whole, Whole]:
    order = np.random.default_rng(draw).permutation(rows)
    return np.sort(order[: rows // 2]), np.sort(order[rows // 2 :])


def _mean(values: Iterator[float] | Sequence[float]) -> float:
    return float(np.mean(list(values)))


def _floor(what: str, value: float, floor: float) -> bool:
    _say(f"  {what}: {value:.3f}, at least {floor:.3f}: {'kept' if value >= floor else 'MISSED'}")
    return value >= floor


def _ceiling(what: str, value: float, ceiling: float) -> bool:
    _say(f"  {what}: {value:.1%}, at most {ceiling:.1%}: {'kept' if value <= ceiling else 'MISSED'}")
    return value <= ceiling


def _heading(text: str) -> None:
    _say(f"\n{text}\n{'-' * len(text)}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
