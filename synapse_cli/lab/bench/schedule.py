"""In which order are the calls made? So that no candidate has the quiet minutes to itself."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.candidate import Candidate
from synapse_cli.lab.bench.item import Item

ENOUGH_CALLS = 10
"""Calls a candidate where nobody says how many: fewer say little of a median (see `stats`)."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One call to be made."""

    candidate: Candidate
    item: Item
    repeat: int

    def is_of(self, call: Call) -> bool:
        """Whether a call that was made is this one."""
        return (call.candidate, call.item, call.repeat) == (self.candidate.label, self.item.key, self.repeat)


def repeats_for(items: int) -> int:
    """How often each prompt is asked where `--repeat` does not say: enough for the median of few prompts."""
    return max(1, -(-ENOUGH_CALLS // items))


def warm_ups(candidates: Sequence[Candidate], items: Sequence[Item], each: int) -> Iterator[Slot]:
    """The calls that load models and open connections."""
    for candidate in candidates:
        for at in range(each):
            yield Slot(candidate, items[-1 - at % len(items)], -1)


def slots(candidates: Sequence[Candidate], items: Sequence[Item], repeats: int, seed: int) -> Iterator[Slot]:
    """Every item of every candidate, `repeats` times: item by item, all candidates in turn, both orders drawn anew.

    So the calls that are compared as a pair are made within moments of each other, whatever else the machine and
    the providers do.
    """
    source = random.Random(seed)  # noqa: S311  # an order, not a secret
    for repeat in range(repeats):
        for item in source.sample(items, len(items)):
            for candidate in source.sample(candidates, len(candidates)):
                yield Slot(candidate, item, repeat)
