"""A cascade over a table costs every call that it would have made, and answers as it would have answered."""

from __future__ import annotations

import numpy as np
import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.core.way import Way
from synapse_cli.lab import outcomes
from synapse_cli.lab.outcomes import Result, Row, Table
from synapse_cli.lab.tune.evidence import auc
from synapse_cli.lab.tune.grid import grid
from synapse_cli.lab.tune.judged import Judged
from synapse_cli.learned.policy import canonical

AGREE = canonical({"kind": "agree", "with": "b"})


def _table(*answers: tuple[str | None, str | None, str | None]) -> Table:
    """Models a, b and c for 1, 10 and 100 dollars; whoever says 7 is right."""
    rows = []
    for number, said in enumerate(answers):
        found = {
            model: Result(float(each == "7"), cost, each, None, confidence)
            for model, cost, each, confidence in zip("abc", (1.0, 10.0, 100.0), said, (0.4, 0.6, 0.8), strict=True)
        }
        rows.append(Row(str(number), "", f"prompt {number}", found, number + 1))
    return outcomes.table(rows, "small.jsonl")


def test_agreement_pays_both_and_the_end_only_where_they_differ() -> None:
    table = _table(("7", "7.0", "7"), ("8", "7", "7"), ("9", "9", "7"))

    found = grid(table, [Way(("a", "c"), (AGREE,)), Way(("c",))])

    assert found.costs.tolist() == [[11, 100], [111, 100], [11, 100]]
    assert found.scores.tolist() == [[1, 1], [1, 1], [0, 1]]
    assert found.dearest.tolist() == [[False, True], [True, True], [False, True]]


def test_two_that_say_nothing_do_not_agree() -> None:
    table = _table((None, None, "7"), ("I don't know", "I don't know", "7"), ("7", "7", "7"))

    found = grid(table, [Way(("a", "c"), (AGREE,))])

    assert found.costs[:, 0].tolist() == [111, 111, 11]


def test_a_partner_that_is_a_tier_too_is_paid_once() -> None:
    """The cache keeps its answer."""
    table = _table(("8", "7", "6"), ("7", "7", "6"))

    found = grid(table, [Way(("a", "b", "c"), (AGREE,))])

    assert found.costs[:, 0].tolist() == [11, 11]
    assert found.scores[:, 0].tolist() == [1, 1]


def test_a_confidence_below_its_least_is_asked_and_paid_and_passed_over() -> None:
    table = _table(("7", "7", "8"))

    found = grid(table, [Way(("a", "c"), (canonical({"kind": "confidence", "min": least}),)) for least in (0.4, 0.5)])

    assert found.costs.tolist() == [[1, 101]]
    assert found.scores.tolist() == [[1, 0]]


@pytest.mark.parametrize("way", [Way(("a", "x")), Way(("a", "c"), (canonical({"kind": "agree", "with": "x"}),))])
def test_a_model_that_the_table_lacks_is_named(way: Way) -> None:
    with pytest.raises(InputError, match="'x'"):
        grid(_table(("7", "7", "7")), [way])


def test_a_check_that_no_table_can_answer_is_refused() -> None:
    way = Way(("a", "c"), (canonical({"kind": "command", "argv": ["true"]}),))

    with pytest.raises(InputError, match="command"):
        grid(_table(("7", "7", "7")), [way])


def test_an_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    chance = np.random.default_rng(0)
    says, good = chance.integers(0, 6, 80).astype(float), chance.random(80) < 0.4
    pairs = [(a > b) + (a == b) / 2 for a in says[good] for b in says[~good]]

    assert auc(says, good) == pytest.approx(np.mean(pairs))
    assert auc(says, np.ones(80, dtype=bool)) is None


def test_what_was_undressed_is_kept_for_a_part_of_the_rows() -> None:
    table = _table(("7", "7.0", "7"), (None, "7", "7"), ("9", "9", "7"))
    judged = Judged(table)
    whole = judged.normals("a", "answer")

    assert judged.only([2, 0]).normals("a", "answer") == [whole[2], whole[0]]
