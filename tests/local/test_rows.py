"""Confidence is read off the logits where they stand, and is what exact arithmetic says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.backends.llamacpp_library import exp_sum
from synapse_cli.backends.llamacpp_rows import Reader
from synapse_cli.core.errors import ModelUnusable

heights = st.lists(st.floats(-90, 90, width=32), min_size=4, max_size=200)


def _exact(row: list[float]) -> np.ndarray:
    scaled = np.array(row, dtype=np.float64) - max(row)
    return scaled - np.log(np.exp(scaled).sum())


@pytest.mark.parametrize("ours", [True, False], ids=["numpy", "ggml"])
@settings(deadline=None)
@given(row=heights, times=st.integers(1, 3))
def test_every_chance_is_the_exact_one(ours: bool, row: list[float], times: int) -> None:
    logits = np.array([row] * times, dtype=np.float32)
    found = Reader(len(row), None, None if ours else exp_sum()).rows(logits, logits.ctypes.data)

    exact = _exact(logits[0].tolist())
    assert len(found) == times
    for each in found:
        assert each.best == int(logits[0].argmax())
        assert each.log_chance == pytest.approx(exact[each.best], abs=1e-4)
        assert each.log_chance_of(0) == pytest.approx(exact[0], abs=1e-4)
        assert each.knows == 1.0


@given(row=heights, abstains=st.floats(-90, 90, width=32))
def test_the_token_by_which_a_model_abstains_is_heard_and_cannot_be_written(row: list[float], abstains: float) -> None:
    logits = np.array([[*row, abstains]], dtype=np.float32)
    whole = _exact(logits[0].tolist())

    (found,) = Reader(len(row) + 1, len(row), exp_sum()).rows(logits, logits.ctypes.data)

    assert found.best == int(np.argmax(row))
    assert found.logits[len(row)] == -math.inf
    assert found.log_chance == pytest.approx(_exact(row)[found.best], abs=1e-4)
    assert found.knows == pytest.approx(1 - math.exp(whole[len(row)]), abs=1e-4)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_damaged_weights_are_noticed(value: float) -> None:
    logits = np.array([[1.0, value, 2.0]], dtype=np.float32)

    with pytest.raises(ModelUnusable, match="damaged"):
        Reader(3, None, exp_sum()).rows(logits, logits.ctypes.data)
