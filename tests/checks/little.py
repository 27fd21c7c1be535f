"""A scorer small enough to be made by hand: the longer an answer, the better it is."""

from __future__ import annotations

from synapse_cli.learned import linear, surface
from synapse_cli.learned.predictor import Blend, Predictor
from synapse_cli.learned.scorer import Scorer, save
from synapse_cli.learned.words import Grams


def write(path: str) -> str:
    """Write the scorer; return its proof."""
    return save(path, Scorer(answer=_by_length(), prompt=_by_length(), blend=(0.0, 1.0, 0.0), rows=2, auc=0.5))


def _by_length() -> Predictor:
    grams = Grams(word_buckets=16, piece_buckets=16)
    nothing = linear.from_floats([[0.0] * grams.buckets], [0.0])
    return Predictor(
        ways=1,
        grams=grams,
        rarities=[1] * grams.buckets,
        lexical=nothing,
        surface=linear.from_floats([[0.0] * len(surface.NAMES)], [0.0]),
        edges=((0.0,) * len(surface.NAMES), (99.0,) * len(surface.NAMES)),
        blend=Blend(((-3.0, 1.0, 0.0, 0.0, 0.0, 0.0),), (0.0, 0.0, 0.0)),
    )
