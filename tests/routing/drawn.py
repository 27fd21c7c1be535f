"""Examples that are drawn: each route has words of its own, and all share some."""

from __future__ import annotations

import random

from synapse_cli.routing.examples import Examples, gathered

_SYLLABLES = ("ba", "ko", "mi", "tu", "re", "sal", "fen", "dor", "vig", "pel", "nax", "zum")


def vocabulary(name: str, size: int = 12) -> list[str]:
    """A route's own words; equal names have equal words."""
    dice = random.Random(name)
    return ["".join(dice.choices(_SYLLABLES, k=3)) for _ in range(size)]


def texts(route: str, count: int, seed: int = 0) -> list[str]:
    """Prompts of a route: four of its own words among three of everybody's."""
    dice = random.Random(f"{route} {seed}")
    own, shared = vocabulary(route), vocabulary("everybody")
    found = []
    for _ in range(count):
        words = dice.choices(own, k=4) + dice.choices(shared, k=3)
        dice.shuffle(words)
        found.append(" ".join(words))
    return found


def examples(routes: int, each: int, seed: int = 0) -> Examples:
    """So many examples of so many routes."""
    names = [f"route{number}" for number in range(routes)]
    return gathered((text, name) for name in names for text in texts(name, each, seed))
