"""Policies of three scripted models, as `synapse tune` would write them: sums are easy, proofs are not."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from synapse_cli.core.way import Way
from synapse_cli.lab.predict.fit import fit
from synapse_cli.learned import policy
from synapse_cli.learned.policy import Policy
from synapse_cli.learned.predictor import Predictor
from synapse_cli.learned.promise import Data, Measured, Promise

EASY, HARD = "sum number 7 plus", "prove number 7 lemma"
SMALL, MIDDLE, LARGE = Way(("small",)), Way(("middle",)), Way(("large",))
PROMISE = Promise(
    target="max_loss", limit=0.01, confidence=0.95, certified=True, bound=0.008, method="score test", baseline="large"
)
FIXED = Policy(
    ways=(SMALL, MIDDLE, LARGE),
    baseline="large",
    fallback=2,
    always=0,
    costs=(0.0001, 0.001, 0.01),
    scores=(0.7, 0.8, 0.95),
    predictor=None,
    threshold=0.0,
    price=0.3,
    doubt_limit=1.0,
    promise=PROMISE,
    data=Data(sha256="ab", rows=600, fitted=300, tested=300, made="", version="0"),
    measured=Measured(score=0.9, cost=0.001, baseline_score=0.95, baseline_cost=0.01, shares=(1.0, 0.0, 0.0)),
)


def choosing(**changes: object) -> Policy:
    """One that reads the prompt: `small` for sums, `large` for proofs."""
    return replace(FIXED, always=None, **{"predictor": predictor(), **changes})  # type: ignore[arg-type]  # by name


PROMPTS = [f"{what} number {n} {'plus' if what == 'sum' else 'lemma'}" for n in range(60) for what in ("sum", "prove")]
SCORES = [(1.0, 1.0, 1.0) if "sum" in prompt else (0.0, 0.0, 1.0) for prompt in PROMPTS]


@lru_cache(maxsize=1)
def predictor() -> Predictor:
    """Knows that sums go well with all, and proofs with `large` alone."""
    return fit(PROMPTS, SCORES).predictor


@lru_cache(maxsize=2)
def embedded(encoder: str, size: int) -> Predictor:
    """One that wants vectors of this encoder, and learned nothing from them."""
    vectors = np.random.default_rng(5).standard_normal((len(PROMPTS), size))
    return fit(PROMPTS, SCORES, vectors=vectors, encoder=encoder).predictor


def uncertified(made: Policy) -> Policy:
    """The same, whose promise nobody proved."""
    return replace(made, promise=made.promise._replace(certified=False, bound=None))


def saved(made: Policy, path: Path) -> Path:
    """Write it."""
    policy.save(str(path), made)
    return path
