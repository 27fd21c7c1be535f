"""Which settings are shown to keep the goal? Chains are tested in order; the chance to be wrong anywhere is shared.

Each chain is a fixed sequence (Angelopoulos et al., Learn then Test, 2021): its first failure ends it. Chains share
what is allowed, and one that passed to its end leaves its share to the others (Bretz et al., Statistics in Medicine 28,
2009; for chains of one setting that is Holm's procedure). Chains must not have been made from these rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from synapse_cli.lab.tune.sequence import Chain
from synapse_cli.lab.tune.setting import Setting

Shown = Callable[[Setting, float], bool]
"""Whether the rows show that a setting keeps the goal, wrong with this chance at most."""


def certified(chains: Sequence[Chain], is_shown: Shown, allowed: float) -> list[Setting]:
    """Every setting that is shown to keep the goal; the chance that one of them does not is `allowed`."""
    passed: list[Setting] = []
    at = [0] * len(chains)
    ended: set[int] = set()
    share = allowed / len(chains) if chains else 0.0
    again = True
    while again:
        again = False
        for number, chain in enumerate(chains):
            while number not in ended and at[number] < len(chain) and is_shown(chain[at[number]], share):
                passed.append(chain[at[number]])
                at[number] += 1
            if number not in ended and at[number] == len(chain):
                ended.add(number)
                left = len(chains) - len(ended)
                share = share * (left + 1) / left if left else share
                again = left > 0
    return passed
