"""Teach copying by itself: repeat random tokens, and look up values by random keys.

Tokens are drawn evenly from the whole vocabulary, so the circuit cannot lean on what words mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from synapse_cli.lab.nano.batches import Batch, Encoded, collate_spans
from synapse_cli.lab.nano.vocab import SPECIAL

Span = tuple[int, int]


def stream(vocabulary: int, colon: int, newline: int, seed: int, tokens: int) -> Iterator[Batch]:
    """Batches without end, of about `tokens` tokens."""
    rng = Random(seed)
    while True:
        length = rng.choice((12, 16, 20, 24, 32, 48))
        group = [
            _repeated(rng, vocabulary, newline, length)
            if rng.random() < 0.4
            else _looked_up(rng, vocabulary, colon, newline, length)
            for _ in range(tokens // (2 * length))
        ]
        yield collate_spans(group)


def _repeated(rng: Random, vocabulary: int, newline: int, length: int) -> tuple[Encoded, list[Span]]:
    row = _random(rng, vocabulary, length - 1)
    ids = [*row, newline, *row, newline]
    return Encoded(ids, length, False), [(length, len(ids))]


def _looked_up(rng: Random, vocabulary: int, colon: int, newline: int, length: int) -> tuple[Encoded, list[Span]]:
    pairs = []
    used = 0
    while used < length - 8:
        pair = (_random(rng, vocabulary, rng.randint(1, 2)), _random(rng, vocabulary, rng.randint(1, 4)))
        used += len(pair[0]) + len(pair[1]) + 2
        pairs.append(pair)
    ids: list[int] = []
    for key, value in pairs:
        ids += [*key, colon, *value, newline]
    start, spans = len(ids), []
    for key, value in rng.sample(pairs, len(pairs)):
        ids += [*key, colon]
        spans.append((len(ids), len(ids) + len(value) + 1))
        ids += [*value, newline]
    return Encoded(ids, start, False), spans


def _random(rng: Random, vocabulary: int, count: int) -> list[int]:
    return [rng.randrange(len(SPECIAL), vocabulary) for _ in range(count)]
