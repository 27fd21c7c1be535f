"""Students that know two texts by heart, made without learning."""

from __future__ import annotations

from collections.abc import Mapping

from synapse_cli.learned.linear import from_floats
from synapse_cli.learned.student import Head, Scope, Student, Vocabulary
from synapse_cli.learned.words import Grams, count

GRAMS = Grams()


def knows(texts: Mapping[str, str], scope: Scope, *, encoder: str | None = None) -> Student:
    """Knows the words of each label's text; with an encoder, its first number is the first label and so on."""
    counts = [count(text, GRAMS) for text in texts.values()]
    buckets = sorted({bucket for each in counts for bucket in each})
    by_words = from_floats([[9.0 if b in each else 0.0 for b in buckets] for each in counts], [0.0] * len(texts))
    axes = [[float(row == column) for column in range(len(texts))] for row in range(len(texts))]
    return Student(
        route="mail",
        scope=scope,
        heads=(Head(None, tuple(texts)),),
        vocabulary=Vocabulary(GRAMS, buckets, [1.0] * len(buckets)),
        by_words=by_words,
        calibration=(1.0, 0.0),
        sure=0.99,
        least=0.9,
        least_known=0.2,
        encoder=encoder,
        words_beside=by_words if encoder else None,
        by_vector=from_floats([[9 * each for each in row] for row in axes], [0.0] * len(texts)) if encoder else None,
        calibration_of_both=(1.0, 0.0) if encoder else None,
        middles=from_floats(axes, [0.0] * len(texts)) if encoder else None,
        least_near=0.5,
        told={},
    )
