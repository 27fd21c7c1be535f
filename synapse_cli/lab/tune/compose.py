"""Which ways are worth choosing among? Models, and cascades whose checks pay on these rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from synapse_cli.core.prompt import Json
from synapse_cli.core.way import Way
from synapse_cli.lab.tune.grid import Grid, grid
from synapse_cli.learned.policy import canonical

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.outcomes import Table
    from synapse_cli.lab.tune.judged import Judged

    Floats = npt.NDArray[np.float64]

MOST_WAYS = 10
"""Beside the baseline: a predictor must learn each."""
_MODEST = 0.1
"""Points of score that the baseline's cost is worth when ways are sought that complete each other."""
_MOST_ENDS = 4
"""Models that a cascade may end with."""
_BEST_CHEAP = 2
"""Cheap models that are asked to agree: the best two. Of more pairs the luckiest would be taken: on halves of a table
of 16 models, taking the best of three or four gains 2.2 to 2.5 points on the other half, and these two 3.5."""
_CHEAP = 0.5
"""Of the end's cost: two calls that cost as much as the third cannot save."""
_CAUTION = 0.5
"""Standard errors that a score is lowered by: of many ways the best-looking one was lucky (one in two would do)."""
_QUANTILES = (0.1, 0.25, 0.5, 0.75)
"""Of a confidence: the thresholds that are tried."""
PRICES = (0.0, *(10 ** (power / 8) for power in range(-20, 13)))
"""What the dearest way's cost may be worth, in points of score: from a third of a point to all there is."""


def composed(table: Table, judged: Judged, rows: Sequence[int], baseline: str) -> tuple[Way, ...]:
    """The ways worth choosing among, judged by these rows; the baseline is one of them."""
    part = table.only(rows)
    seen = judged.only(rows)
    ways = [Way((model,)) for model in table.models]
    ways += [way for way in _cascades(part, seen, baseline) if way not in ways]
    found = grid(part, ways, seen)
    keep = worth(found, ways.index(Way((baseline,))))
    return tuple(ways[number] for number in keep)


def worth(grid: Grid, baseline: int) -> list[int]:
    """Those that are best at some price, cheap to dear, and the baseline."""
    import numpy as np

    lost = grid.scores[:, [baseline]] - grid.scores
    lowered = -lost.mean(axis=0) - _CAUTION * lost.std(axis=0) / np.sqrt(len(lost))
    costs = grid.costs.mean(axis=0)
    best: dict[int, None] = {}
    for price in PRICES:
        values = lowered - price * costs / (costs[baseline] or 1.0)
        best.setdefault(int(values.argmax()), None)
    kept = sorted(best, key=lambda way: -lowered[way])[:MOST_WAYS]
    kept = _completed(list(dict.fromkeys([baseline, *kept])), grid.scores - _MODEST * costs / (costs[baseline] or 1.0))
    return sorted(kept, key=lambda way: (costs[way], way))


def _completed(kept: list[int], values: Floats) -> list[int]:
    """Those, and whoever is right where they are wrong: on average no better, but for some prompts the best."""
    import numpy as np

    reached = values[:, kept].max(axis=1)
    while len(kept) <= min(MOST_WAYS, values.shape[1] - 1):
        gains = np.maximum(values - reached[:, None], 0).mean(axis=0)
        gains[kept] = -1.0
        kept.append(int(gains.argmax()))
        reached = np.maximum(reached, values[:, kept[-1]])
    return kept


def _cascades(table: Table, seen: Judged, baseline: str) -> Iterator[Way]:
    """Cascades that begin with the best of the cheap models and end with a good one."""
    means, costs = table.scores().mean(axis=0), table.costs().mean(axis=0)
    of = {model: (float(means[n]), float(costs[n])) for n, model in enumerate(table.models)}
    for end in _ends(of, baseline):
        cheap = [model for model in of if of[model][1] < _CHEAP * of[end][1]]
        best = sorted(cheap, key=lambda model: -of[model][0])[:_BEST_CHEAP]
        if len(best) == _BEST_CHEAP and all(seen.has_answers(model) for model in best):
            yield Way((best[0], end), (_agree(best[1]),))
        for model in best:
            yield from _doubted(seen, model, end)


def _ends(of: dict[str, tuple[float, float]], baseline: str) -> list[str]:
    best = sorted(of, key=lambda model: -of[model][0])[:_MOST_ENDS]
    return list(dict.fromkeys([baseline, *best]))


def _doubted(seen: Judged, model: str, end: str) -> Iterator[Way]:
    """Where the cheap model's own confidence, or a refusal, sends the prompt on."""
    import numpy as np

    says = seen.signal(model, {"kind": "confidence"})
    known = says[~np.isnan(says)]
    if len(known) >= len(says) / 2:
        for least in dict.fromkeys(np.quantile(known, _QUANTILES).round(3).tolist()):
            yield Way((model, end), (canonical({"kind": "confidence", "min": least}),))
    refused = seen.signal(model, {"kind": "refusal"}) == 0.0
    if refused.any():
        yield Way((model, end), (canonical({"kind": "refusal"}),))


def _agree(partner: str) -> str:
    rule: dict[str, Json] = {"kind": "agree", "with": partner}
    return canonical(rule)
