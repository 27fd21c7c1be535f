"""Which texts stand for which route?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from synapse_cli.profile.model import Route


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts by route, in an order of their own: equal examples are equal, however they were listed."""

    routes: tuple[str, ...]
    """Names, sorted; each has at least one text."""
    texts: tuple[str, ...]
    labels: tuple[int, ...]
    """The place of each text's route in `routes`."""
    unclear: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Texts that stand for several routes, with those: they say nothing, and are left out."""

    def __len__(self) -> int:
        return len(self.texts)

    def of(self, route: str) -> tuple[str, ...]:
        """One route's texts."""
        return tuple(self.texts[place] for place in self.places_of(route))

    def places_of(self, route: str) -> Sequence[int]:
        """Where one route's texts stand: side by side."""
        from bisect import bisect_left, bisect_right

        if route not in self.routes:
            return range(0)
        label = self.routes.index(route)
        return range(bisect_left(self.labels, label), bisect_right(self.labels, label))

    @property
    def sha256(self) -> str:
        """What names these examples."""
        return sha256(json.dumps([self.routes, self.texts, self.labels]).encode()).hexdigest()


def of_profile(routes: Mapping[str, Route]) -> Examples:
    """The examples of these routes."""
    return gathered((text, route.name) for route in routes.values() for text in route.examples)


def gathered(pairs: Iterable[tuple[str, str]]) -> Examples:
    """Examples of (text, route) pairs; the same text twice for one route counts once."""
    taken: dict[str, set[str]] = {}
    for text, route in pairs:
        taken.setdefault(text.strip(), set()).add(route)
    taken.pop("", None)
    clear = sorted((next(iter(routes)), text) for text, routes in taken.items() if len(routes) == 1)
    names = sorted({route for route, _ in clear})
    places = {name: place for place, name in enumerate(names)}
    unclear = sorted((text, tuple(sorted(routes))) for text, routes in taken.items() if len(routes) > 1)
    return Examples(
        tuple(names), tuple(text for _, text in clear), tuple(places[route] for route, _ in clear), tuple(unclear)
    )


_QUOTED = 60
_LOOKED_AT = 200
"""Examples of a route among which the nearest is sought, for people only."""


def nearest(prompt: str, texts: Sequence[str]) -> str | None:
    """The example that shares most words with the prompt, short enough to be quoted; None where none shares any."""
    asked = set(prompt[:2000].casefold().split())
    found, most = None, 0.0
    for text in texts[:_LOOKED_AT]:
        own = set(text[:500].casefold().split())
        shared = 2 * len(own & asked) / (len(own) + len(asked) or 1)
        if shared > most:
            found, most = text, shared
    return None if found is None else quoted(found)


def quoted(text: str) -> str:
    """The beginning of a text, on one line, in quotation marks."""
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= _QUOTED else f'"{line[: _QUOTED - 1]}…"'
