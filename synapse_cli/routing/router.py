"""What do the examples say of a prompt? Its words are asked first, its vector where they are not sure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json
from synapse_cli.learned import file
from synapse_cli.learned.file import Learned
from synapse_cli.routing import lexical, scope
from synapse_cli.routing.lexical import Lexical
from synapse_cli.routing.scope import Scope

if TYPE_CHECKING:
    from synapse_cli.routing.semantic import Semantic

VERSION = 5
"""Counted up where routers are learned otherwise than before: those that are kept are then made anew."""
_FAR = 1e9
"""Below any likeness that was measured."""
By = Literal["lexical", "semantic"]


@dataclass(frozen=True, slots=True)
class Blend:
    """How much each kind of score counts, by how much the first route must lead, and what is in scope."""

    weights: tuple[float, ...]
    sure: float
    """A first route whose log-probability leads by at least this needs nobody else's word."""
    scope: Scope


@dataclass(frozen=True, slots=True)
class Guess:
    """What one router thinks of a prompt."""

    by: By
    probabilities: tuple[tuple[str, float], ...]
    """(route, probability), the likeliest first; calibrated on examples that were held out."""
    likeness: float
    """How much like the examples it is: 0 as they are among themselves, below `threshold` out of scope."""
    threshold: float
    is_sure: bool

    @property
    def in_scope(self) -> bool:
        """Whether it is like any of the examples."""
        return self.likeness >= self.threshold

    @property
    def route(self) -> str:
        """The likeliest."""
        return self.probabilities[0][0]

    @property
    def probability(self) -> float:
        """Of the likeliest."""
        return self.probabilities[0][1]


class Router:
    """Learned from examples; without `by_meaning` it knows words only.

    No dataclass: making one takes longer than most decisions, and each cold run would pay for it.
    """

    __slots__ = ("_learned", "_semantic", "by_meaning", "by_words", "facts", "lexical", "routes", "sha256")

    def __init__(
        self,
        *,
        routes: tuple[str, ...],
        lexical: Lexical,
        by_words: Blend,
        by_meaning: Blend | None,
        facts: Mapping[str, Json],
        learned: Learned,
    ) -> None:
        self.routes = routes
        self.lexical = lexical
        self.by_words = by_words
        self.by_meaning = by_meaning
        self.facts = facts
        """What it was learned from, and how well it did on what it had not seen."""
        self.sha256 = learned.sha256
        self._learned = learned
        self._semantic: Semantic | None = None

    @property
    def semantic(self) -> Semantic:
        """What it knows of vectors; read when it is first asked. Raises ValueError where it knows none."""
        if self._semantic is None:
            from synapse_cli.routing import semantic

            about = self._learned.about.get("semantic")
            if not isinstance(about, dict):
                raise ValueError("this router was learned without vectors")
            self._semantic = semantic.from_file(len(self.routes), about, self._learned.tensors)
        return self._semantic

    def read(self, prompt: str) -> Guess:
        """Judge by words alone; a prompt that shares none with any example is unlike them all."""
        scores, known = self.lexical.scores(prompt)
        guess = self._guess("lexical", self.by_words, (scores,), (energy(scores), known))
        return (
            guess if known else replace(guess, likeness=-math.inf, threshold=max(guess.threshold, -_FAR), is_sure=False)
        )

    def understand(self, prompt: str, vector: Sequence[float]) -> Guess:
        """Judge by words and meaning. Raises ValueError where the router knows no vectors, or others."""
        if self.by_meaning is None or len(vector) != self.semantic.dimension:
            raise ValueError("this router was learned with other vectors")
        near, cosine = self.semantic.scores(vector)
        said, _ = self.lexical.scores(prompt)
        return self._guess("semantic", self.by_meaning, (said, near), (energy(near), cosine))

    def _guess(self, by: By, blend: Blend, parts: tuple[tuple[float, ...], ...], measures: tuple[float, ...]) -> Guess:
        weights = blend.weights
        total = [sum(w * score for w, score in zip(weights, each, strict=True)) for each in zip(*parts, strict=True)]
        ranked = sorted(zip(self.routes, probabilities(total), strict=True), key=lambda pair: -pair[1])
        likeness = blend.scope.score(measures)
        is_sure = lead(total) >= blend.sure and likeness >= blend.scope.threshold
        if by == "lexical":  # words that meet by chance must not keep meaning from being asked
            is_sure = is_sure and likeness >= 0 and blend.scope.least(measures) >= -1
        return Guess(by, tuple(ranked), likeness, blend.scope.threshold, is_sure)


def energy(scores: Sequence[float]) -> float:
    """The log of the sum of exponentials: large where some route knows the prompt.

    Liu et al., Energy-based Out-of-distribution Detection, 2020 (there with the other sign).
    """
    most = max(scores)
    return most + math.log(sum(math.exp(score - most) for score in scores))


def lead(scores: Sequence[float]) -> float:
    """By how much the first score is above the second: a difference of logarithms of probabilities."""
    first, *rest = sorted(scores, reverse=True)
    return first - rest[0] if rest else math.inf


def probabilities(scores: Sequence[float]) -> list[float]:
    """Scores as probabilities."""
    most = max(scores)
    powers = [math.exp(score - most) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def load(path: str) -> Router:
    """Read a router. Raises InputError for a file that is missing or is none."""
    return from_learned(file.read(path, "router"), path)


def from_learned(learned: Learned, path: str = "") -> Router:
    """A router of its file's content. Raises InputError for what is none."""
    about, tensors = learned.about, learned.tensors
    try:
        routes, words, facts = about["routes"], about["lexical"], about["facts"]
        assert isinstance(routes, list)
        assert isinstance(words, dict)
        assert isinstance(facts, dict)
        by_meaning = about["by_meaning"]
        return Router(
            routes=tuple(map(str, routes)),
            lexical=lexical.from_file(len(routes), words, tensors),
            by_words=_blend(about["by_words"]),
            by_meaning=None if by_meaning is None else _blend(by_meaning),
            facts=facts,
            learned=learned,
        )
    except (KeyError, TypeError, ValueError, AssertionError, IndexError) as error:
        raise InputError(
            f"the router {path} holds no router", "delete it: it is made anew from the examples"
        ) from error


def blend_about(blend: Blend) -> dict[str, Json]:
    """A blend's numbers, for a file; what is never reached is null."""
    return {
        "weights": list(blend.weights),
        "sure": blend.sure if math.isfinite(blend.sure) else None,
        "scope": blend.scope.about(),  # type: ignore[dict-item]  # numbers and lists of them
    }


def _blend(about: Json) -> Blend:
    assert isinstance(about, dict)
    assert isinstance(about["weights"], list)
    assert isinstance(about["scope"], dict)
    sure = about["sure"]
    return Blend(
        tuple(float(str(weight)) for weight in about["weights"]),
        math.inf if sure is None else float(str(sure)),
        scope.from_about(dict(about["scope"])),
    )
