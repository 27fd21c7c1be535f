"""Durations, sizes and money are read exactly, or not at all."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.profile.units import duration_s, money_usd, size_bytes


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("7d", 604_800), ("1.5h", 5400), ("2 w", 1_209_600)]
)
def test_durations(text, seconds):
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("500MB", 500_000_000), ("1KiB", 1024), ("2gb", 2_000_000_000), ("7 B", 7), ("0.5MB", 500_000)]
)
def test_sizes(text, size):
    assert size_bytes(text) == size


@pytest.mark.parametrize(("text", "dollars"), [("0.05 USD", "0.05"), ("2USD", "2"), ("0 USD", "0"), ("0.1 USD", "0.1")])
def test_money_is_exact(text, dollars):
    assert money_usd(text) == Decimal(dollars)


@pytest.mark.parametrize("read", [duration_s, size_bytes, money_usd])
@pytest.mark.parametrize(
    "text", ["", " ", "x", "-1s", "1", "1e9s", "٣s", "1,5h", "0.05 EUR", "$1", "s", "1 s s", "nan"]
)
def test_nothing_else_is_taken_for_one(read, text):
    with pytest.raises(ValueError, match="such as"):
        read(text)


@pytest.mark.parametrize("text", ["0s", "0.0h", "999999999999999w"])
def test_a_duration_is_above_nothing_and_below_a_century(text):
    with pytest.raises(ValueError, match="such as"):
        duration_s(text)


@given(st.decimals(min_value=0, max_value=10**9, places=4))
def test_money_comes_back_as_it_was_written(amount):
    assert money_usd(f"{amount:f} USD") == amount


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused_with_words(text):
    for read in (duration_s, size_bytes, money_usd):
        with pytest.raises(ValueError, match="such as") if _is_refused(read, text) else contextlib.nullcontext():
            assert read(text) >= 0


def _is_refused(read, text) -> bool:
    try:
        read(text)
    except ValueError:
        return True
    return False
