"""What would each way have cost and scored on each row? A cascade becomes a virtual model, every call counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.core.errors import InputError
from synapse_cli.core.way import Way
from synapse_cli.lab.tune.judged import Judged

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.outcomes import Table

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]
    Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows x ways."""

    ways: tuple[Way, ...]
    scores: Floats
    costs: Floats
    """Dollars of every call: the asked and rejected, the partner of an agreement."""
    dearest: Bools
    """Whether the dearest model of the table was asked."""

    def rows(self, numbers: Rows | slice) -> Grid:
        """These rows only."""
        return Grid(self.ways, self.scores[numbers], self.costs[numbers], self.dearest[numbers])

    def only(self, ways: Sequence[int]) -> Grid:
        """These ways only, in this order."""
        kept = list(ways)
        return Grid(
            tuple(self.ways[way] for way in kept), self.scores[:, kept], self.costs[:, kept], self.dearest[:, kept]
        )


def grid(table: Table, ways: Sequence[Way], judged: Judged | None = None) -> Grid:
    """Evaluate these ways. Raises InputError for a model that the table lacks, or a check that it cannot answer."""
    import numpy as np

    seen = judged or Judged(table)
    _refuse_strangers(table, ways)
    parts = [_evaluated(table, way, seen) for way in ways]
    scores, costs, dearest = (np.stack(part, axis=1) for part in zip(*parts, strict=True))
    return Grid(tuple(ways), scores, costs, dearest)


def _evaluated(table: Table, way: Way, seen: Judged) -> tuple[Floats, Floats, Bools]:
    """One way: each tier is asked where those before it were not accepted; the last one's answer is taken.

    A model is paid once a row, however many tiers it is compared with: the cache keeps its answer.
    """
    import numpy as np

    scores, costs, many = table.scores(), table.costs(), len(table.rows)
    asked = np.zeros(costs.shape, dtype=bool)
    got = np.zeros(many)
    still = np.ones(many, dtype=bool)
    for place, tier in enumerate(way.tiers):
        column = table.models.index(tier)
        asked[:, column] |= still
        taken = still.copy()
        if place + 1 < len(way.tiers):
            for rule in way.accept:
                passed = seen.passed(tier, rule)
                partner = _partner(rule)
                if partner is not None:
                    asked[:, table.models.index(partner)] |= still
                taken &= passed
        got = np.where(taken, scores[:, column], got)
        still &= ~taken
    return got, np.where(asked, costs, 0.0).sum(axis=1), asked[:, -1]


def _partner(rule: str) -> str | None:
    named = json.loads(rule).get("with")
    return named if isinstance(named, str) else None


def _refuse_strangers(table: Table, ways: Sequence[Way]) -> None:
    for way in ways:
        for model in (*way.tiers, *filter(None, map(_partner, way.accept))):
            if model not in table.models:
                raise InputError(
                    f"{table.name} has no outcomes of {model!r}", f"its models are: {', '.join(table.models)}"
                )
