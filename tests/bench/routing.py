"""Who would answer well? The predictor on public tables, with the least that it must show beside each figure.

    SYNAPSE_DATA=FOLDER python -m tests.bench.routing mmlu|unseen|mixed|decision|all [DRAWS]

mmlu: 1,500 labels, the rest of the table to rank. unseen: the same, subjects held out whole. mixed: halves of a table
of nine models, arbitrage without a certificate at 0 points. decision: CPU of one decision, warm. The first run encodes
the tables; the vectors are kept in the cache folder.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synapse_cli.core.witness import Witness
from synapse_cli.flows.encoding import MINILM
from synapse_cli.lab import curve, outcomes
from synapse_cli.lab.curve import Ranked
from synapse_cli.lab.outcomes import Table
from synapse_cli.lab.predict.fit import fit
from synapse_cli.lab.replay import replay
from synapse_cli.lab.tune.goal import Goal
from synapse_cli.lab.tune.tune import best_single, tune
from synapse_cli.lab.vectors import vectors
from synapse_cli.learned.encoder import identity
from synapse_cli.learned.predictor import Predictor
from synapse_cli.profile.load import load

Floats = npt.NDArray[np.float32]

LABELS = 1500
APGR, ABOVE_LENGTH, BELOW_LENGTH = 0.66, 0.07, 0.02
SAVED = 0.55
LEXICAL_MS, FULL_MS = 3.0, 15.0


def main(what: str, draws: int) -> int:
    """Print the figures; return 1 where one is less than it must be."""
    parts = {"mmlu": mmlu, "unseen": unseen, "mixed": mixed, "decision": decision}
    chosen = parts.values() if what == "all" else [parts[what]]
    held = [part(draws) for part in chosen]
    return int(not all(held))


def mmlu(draws: int) -> bool:
    """APGR with 1,500 labels, over draws of them."""
    table, encoded = _table("outcomes_mmlu")
    found = []
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(len(table.rows))
        found.append(_ranked(table, encoded, order[:LABELS], order[LABELS:]))
        _tell(f"draw {seed}", found[-1])
    means = _means(found)
    _say(f"mean of {draws}: " + ", ".join(f"{name} {value:.3f}" for name, value in means.items()))
    above = means["full"] - means["length"]
    return all(
        [
            _must("APGR", means["full"], ">=", APGR),
            _must("above prompt length", above, ">=", ABOVE_LENGTH),
        ]
    )


def unseen(draws: int) -> bool:
    """APGR on subjects that no label is of: half of them held out."""
    table, encoded = _table("outcomes_mmlu")
    tasks = np.asarray([row.task for row in table.rows])
    found = []
    for seed in range(draws):
        source = np.random.default_rng(seed)
        subjects = sorted(set(tasks))
        source.shuffle(subjects)
        held = np.isin(tasks, subjects[: len(subjects) // 2])
        fitted = source.permutation(np.flatnonzero(~held))[:LABELS]
        found.append(_ranked(table, encoded, fitted, np.flatnonzero(held)))
        _tell(f"draw {seed}", found[-1])
    means = _means(found)
    _say(f"mean of {draws}: " + ", ".join(f"{name} {value:.3f}" for name, value in means.items()))
    worst = min(each["full"].apgr.estimate - each["length"].apgr.estimate for each in found)
    return all(
        [
            _must("against prompt length, mean", means["full"] - means["length"], ">=", 0.0),
            _must("against prompt length, worst draw", worst, ">=", -BELOW_LENGTH),
        ]
    )


def mixed(draws: int) -> bool:
    """Saved and lost against the best single model of the fitted half, on the other half."""
    table, encoded = _table("outcomes_mixed")
    encoder = identity(MINILM)
    saved, lost = [], []
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(len(table.rows))
        fitted, tested = np.array_split(order, 2)
        train, test = table.only(fitted.tolist()), table.only(tested.tolist())
        baseline = best_single(train)
        tuned = tune(
            train,
            Goal("max_loss", 0.0, 0.95),
            baseline=baseline,
            vectors=encoded[fitted],
            encoder=encoder,
            certifies=False,
        )
        done = replay(test, tuned.policy, encoded[tested] if tuned.policy.encoder else None)
        own, best = done.policy, done.best_single
        saved.append(own.saved or 0.0)
        lost.append(own.loss.estimate)
        beside = (each for each in (done.random, done.length, best, done.oracle) if each is not None)
        _say(
            f"half {seed}: against {baseline} {own.saved:.1%} saved, {-100 * own.loss.estimate:+.2f} points "
            f"({-100 * own.loss.high:+.2f} to {-100 * own.loss.low:+.2f}); beside: "
            + ", ".join(f"{each.name} {each.saved:.0%} {-100 * each.loss.estimate:+.1f}" for each in beside)
        )
    return all(
        [
            _must("saved, mean", statistics.mean(saved), ">=", SAVED),
            _must("points lost, mean", 100 * statistics.mean(lost), "<=", 0.0),
        ]
    )


def decision(draws: int) -> bool:
    """CPU of one decision, warm: the median over prompts, and of repeats."""
    table, encoded = _table("outcomes_mmlu")
    few = range(LABELS)
    predictor = _fitted(table, encoded, np.asarray(few))
    rows = [table.rows[row] for row in range(LABELS, LABELS + 200)]
    lexical = predictor.without_vectors()
    found = [each.tolist() for each in encoded[LABELS : LABELS + 200]]
    texts = [row.prompt for row in rows]
    by_words = _cpu_ms(lambda at: lexical.look(texts[at]), len(texts), draws)
    given = _cpu_ms(lambda at: predictor.look(texts[at], found[at]), len(texts), draws)
    from synapse_cli.backends.encoders import open_encoder
    from synapse_cli.core.control import Control

    encoder, control = open_encoder(MINILM), Control()
    short = [text[:80] for text in texts]
    encoder.encode(["warm"], control)
    whole = _cpu_ms(lambda at: predictor.look(short[at], encoder.encode([short[at]], control).row(0)), 60, draws)
    _say(f"with a vector that is there: {given:.2f} ms")
    return all(
        [
            _must("by words, ms", by_words, "<=", LEXICAL_MS),
            _must("with the embedding of a short prompt, ms", whole, "<=", FULL_MS),
        ]
    )


def _cpu_ms(do: object, many: int, repeats: int) -> float:
    assert callable(do)
    times = []
    for _ in range(repeats):
        for at in range(many):
            started = time.process_time()
            do(at)
            times.append(1000 * (time.process_time() - started))
    return statistics.median(times)


def _table(name: str) -> tuple[Table, Floats]:
    folder = os.environ.get("SYNAPSE_DATA")
    if not folder:
        sys.exit("SYNAPSE_DATA is not set: it names the folder of public tables")
    table = outcomes.read(str(Path(folder) / f"{name}.jsonl.gz"))
    profile = load(None, cwd="/", env=os.environ, witness=Witness())
    return table, vectors([row.prompt for row in table.rows], MINILM, profile, hosts=False)


def _fitted(table: Table, encoded: Floats, rows: npt.NDArray[np.int64]) -> Predictor:
    part = table.only(rows.tolist())
    return fit(
        [row.prompt for row in part.rows],
        part.scores().tolist(),
        [row.task for row in part.rows],
        vectors=encoded[rows].astype(np.float64),
        encoder=identity(MINILM),
    ).predictor


def _ranked(
    table: Table, encoded: Floats, fitted: npt.NDArray[np.int64], asked: npt.NDArray[np.int64]
) -> dict[str, Ranked]:
    predictor = _fitted(table, encoded, fitted)
    rows = [table.rows[row] for row in asked]
    scores = table.scores()[asked]
    weak, strong = (scores[:, 0], scores[:, 1])
    sorts = {
        "length": np.asarray([float(len(row.prompt)) for row in rows]),
        "words": _gaps([predictor.predict(row.prompt) for row in rows]),
        "full": _gaps([predictor.predict(rows[at].prompt, encoded[row].tolist()) for at, row in enumerate(asked)]),
        "oracle": strong - weak,
    }
    found = {name: curve.ranked(score, weak, strong) for name, score in sorts.items()}
    return {name: each for name, each in found.items() if each is not None}


def _gaps(chances: Sequence[tuple[float, ...]]) -> npt.NDArray[np.float64]:
    return np.asarray([strong - weak for weak, strong in chances])


def _means(found: Sequence[dict[str, Ranked]]) -> dict[str, float]:
    return {name: statistics.mean(each[name].apgr.estimate for each in found) for name in found[0]}


def _tell(draw: str, found: dict[str, Ranked]) -> None:
    said = [
        f"{name} {each.apgr.estimate:.3f} / {100 * each.cpt50:.1f} / {100 * each.cpt80:.1f}"
        for name, each in found.items()
    ]
    _say(f"{draw}: APGR / CPT50 / CPT80: random .500 / 50.0 / 80.0, " + ", ".join(said))


def _must(what: str, value: float, side: str, limit: float) -> bool:
    held = value >= limit if side == ">=" else value <= limit
    _say(f"{'held  ' if held else 'MISSED'} {what}: {value:.3f}, must be {side} {limit:g}")
    return held


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "all", int(sys.argv[2]) if len(sys.argv) > 2 else 5))
