"""The next token is chosen by the parameters, and only from what may come next."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.backends.sampling import Chooser, Sampling, constrain, log_chance


def _logits(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def _drawn(logits: np.ndarray, times: int = 3000, **settings: object) -> np.ndarray:
    chooser = Chooser(Sampling(seed=1, **settings))  # type: ignore[arg-type]
    return np.bincount([chooser.choose(logits, ()) for _ in range(times)], minlength=len(logits)) / times


def test_without_a_temperature_the_likeliest_is_taken() -> None:
    assert _drawn(_logits(1, 3, 2), 10).tolist() == [0, 1, 0]


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    logits = np.log(_logits(0.5, 0.3, 0.2))

    assert _drawn(logits, temperature=1, top_p=1, min_p=0) == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


def test_temperature_flattens_and_sharpens() -> None:
    logits = np.log(_logits(0.6, 0.4))

    assert _drawn(logits, temperature=9, top_p=1, min_p=0)[0] == pytest.approx(0.5, abs=0.04)
    assert _drawn(logits, temperature=0.1, top_p=1, min_p=0)[0] > 0.95


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"top_k": 2, "top_p": 1, "min_p": 0}, 2),
        ({"top_k": 0, "top_p": 0.7, "min_p": 0}, 2),
        ({"top_k": 0, "top_p": 0.4, "min_p": 0}, 1),
        ({"top_k": 0, "top_p": 0, "min_p": 0}, 1),
        ({"top_k": 0, "top_p": 1, "min_p": 0.25}, 3),
        ({"top_k": 0, "top_p": 1, "min_p": 0}, 4),
        ({"top_k": 99, "top_p": 1, "min_p": 0}, 4),
    ],
)
def test_cuts_keep_the_likeliest(settings: dict[str, float], kept: int) -> None:
    drawn = _drawn(np.log(_logits(0.1, 0.5, 0.15, 0.25)), temperature=1, **settings)

    assert np.count_nonzero(drawn) == kept
    assert drawn[1] > 0


def test_a_penalty_makes_repeats_unlikely() -> None:
    chooser = Chooser(Sampling(repeat_penalty=2.0))

    assert chooser.choose(_logits(2.0, 1.9, -1), ()) == 0
    assert chooser.choose(_logits(2.0, 1.9, -1), (0,)) == 1
    assert chooser.choose(_logits(-1.0, -1.9, -3), (0,)) == 1


@given(
    values=st.lists(st.floats(-30, 30, width=32), min_size=300, max_size=600),
    mask=st.integers(0, 10**9),
    seed=st.integers(0, 100),
)
def test_what_is_not_allowed_is_never_chosen(values: list[float], mask: int, seed: int) -> None:
    logits = _logits(*values)
    allowed = np.random.default_rng(mask).random(len(values)) < 0.02
    allowed[mask % len(values)] = True

    rest = constrain(logits, lambda tokens: allowed[tokens])
    chosen = Chooser(Sampling(temperature=2, seed=seed, top_k=0, top_p=1, min_p=0)).choose(rest, ())

    assert allowed[chosen]
    share = np.exp(logits[allowed].astype(np.float64))
    assert math.exp(log_chance(rest, chosen)) == pytest.approx(math.exp(logits[chosen]) / share.sum(), rel=5e-3)


def test_a_log_chance_does_not_overflow() -> None:
    assert log_chance(_logits(1000, 1000), 0) == pytest.approx(math.log(0.5))
    assert log_chance(_logits(-math.inf, 5), 1) == pytest.approx(0)
