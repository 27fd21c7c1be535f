"""Providers fail three times in ten, eight processes ask at once: every run ends rightly, and everything is written."""

from __future__ import annotations

import pytest

from tests.chaos.faults import STORM
from tests.chaos.storm import Storm, faults_of, storm

RUNS = 200
"""`make chaos` makes 10,000."""


@pytest.fixture(scope="module")
def stormed(tmp_path_factory: pytest.TempPathFactory) -> Storm:
    return storm(tmp_path_factory.mktemp("storm"), RUNS)


def test_every_run_of_a_storm_ends_rightly_and_is_in_the_ledger(stormed: Storm) -> None:
    assert faults_of(stormed) == []
    assert len(stormed.runs) == RUNS


def test_most_runs_of_a_storm_are_answered_by_one_tier_or_another(stormed: Storm) -> None:
    assert stormed.codes[0] >= 0.85 * RUNS
    assert set(stormed.codes) <= {0, 69, 75}
    assert stormed.sent.keys() == {"small", "middle", "large"}


def test_the_storm_was_one(stormed: Storm) -> None:
    done = [fault for said in stormed.reached.values() for fault in said["done"]]

    assert set(done) == {*STORM, "well"}
    assert stormed.reached["small"]["most_in_flight"] > 1
