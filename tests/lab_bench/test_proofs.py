"""The two promises of a bench, in small; `tests.bench.bench_coverage` and `bench_overhead` have the whole figures."""

from __future__ import annotations

from pathlib import Path

from tests.bench.bench_coverage import coverage
from tests.bench.bench_overhead import MOST_OFF, off_by


def test_whole_benches_hold_the_true_ratio_and_seldom_flag_a_model_against_itself(tmp_path: Path) -> None:
    """Seeded, so it is the same in every run: 60 benches of each kind, through sessions and the climb."""
    found = coverage(60, tmp_path)

    assert found.held >= 0.88
    assert found.flagged <= 0.1


def test_figures_are_those_of_a_stopwatch_inside_the_model(tmp_path: Path) -> None:
    assert abs(off_by(20, tmp_path)) <= MOST_OFF
