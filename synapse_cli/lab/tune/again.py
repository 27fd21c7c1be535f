"""Does a policy that is there still keep a promise, or another one? Its ways and its predictor stay; all rows test it.

No label decides what is tested: at the price of the policy the threshold falls from what only the surest prompts exceed
to nothing, then the price rises. So few new labels are enough where a predictor was learned from many old ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synapse_cli.core.errors import InputError
from synapse_cli.lab.tune.compose import PRICES
from synapse_cli.lab.tune.goal import Goal
from synapse_cli.lab.tune.grid import grid
from synapse_cli.lab.tune.judged import Judged
from synapse_cli.lab.tune.making import Kind, Setup, Tuned, certified, looks_at
from synapse_cli.lab.tune.sequence import Chain
from synapse_cli.lab.tune.setting import Known, Looks, Setting
from synapse_cli.learned.policy import Policy

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.outcomes import Table

    Vectors = npt.NDArray[np.float32]

_STEPS = 100


def again(
    table: Table, goal: Goal, old: Policy, *, vectors: Vectors | None = None, encoder: str | None = None, made: str = ""
) -> Tuned:
    """Test the policy's settings anew. Raises InputError where the table or the vectors are not those it needs."""
    import numpy as np

    if old.encoder is not None and (vectors is None or encoder != old.encoder):
        raise InputError(f"the policy wants embeddings of {old.encoder}", "name that encoder with --encoder")
    known = Known(np.array(old.costs), old.fallback, old.doubt_limit)
    setup = Setup(table, goal, grid(table, old.ways, Judged(table)), known, old.fallback, vectors)
    rows = range(len(table.rows))
    kind = Kind(None if old.always is not None else old.predictor, None)
    looks = looks_at(setup, kind, rows)
    chain: Chain = (Setting(always=old.always),) if looks is None else _chain(goal, old, looks, known)
    return certified(setup, kind, [chain], fitted=(), tested=rows, made=made)


def _chain(goal: Goal, old: Policy, looks: Looks, known: Known) -> Chain:
    """From the surest setting to the cheapest; for a limit of money, or of requests, from the cheapest on."""
    import numpy as np

    if not goal.saves:
        return tuple(Setting(price=price) for price in sorted((*PRICES, *(-p for p in PRICES if p)), reverse=True))
    values = looks.chances - old.price * known.costs / (known.costs.max() or 1.0)
    gains = values.max(axis=1) - values[:, known.fallback]
    thresholds = np.quantile(gains[gains > 0], np.linspace(0.99, 0, _STEPS)).tolist() if (gains > 0).any() else []
    falling = [Setting(price=old.price, threshold=each) for each in dict.fromkeys([*thresholds, 0.0])]
    return (*falling, *(Setting(price=price) for price in PRICES if price > old.price))
