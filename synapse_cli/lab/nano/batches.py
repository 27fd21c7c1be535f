"""Turn items into padded batches of token ids, bucketed by length, in a process of their own."""

from __future__ import annotations

import multiprocessing as mp
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synapse_cli.lab.nano import bank, vocab
from synapse_cli.lab.nano.items import Item, answer, question
from synapse_cli.lab.nano.mixture import Mixture
from synapse_cli.lab.nano.teacher import Teacher
from synapse_cli.lab.nano.vectors import MEANING

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

    from tokenizers import Tokenizer

Ints = NDArray[np.int64]
POOL = 2_000
LONGEST = 512
# Lines held back from the main training: the last phase learns from the model's errors on them.
HELD_SHARE = 0.12
REREAD = 400
LABEL_WEIGHT, REST_WEIGHT = 2.0, 0.25


@dataclass(frozen=True)
class Batch:
    """Ids (items by time), and for each learned position its flat place, target, weight and item."""

    ids: Ints
    places: Ints
    targets: Ints
    weights: NDArray[np.float32]
    owners: Ints
    firsts: NDArray[np.bool_]
    held: NDArray[np.bool_]
    meanings: NDArray[np.float32]
    """The encoder's vector of the text that each item is about; zeros where there is none."""


@dataclass(frozen=True)
class Encoded:
    """One item as token ids; the answer begins at `start`."""

    ids: list[int]
    start: int
    held: bool
    meaning: NDArray[np.float16] | None = None
    picks: bool = False
    """Whether the answer is a label, and so decided by its first token."""


def encode(tokenizer: Tokenizer, item: Item, held: bool = False, teacher: Teacher | None = None) -> Encoded:
    """Token ids of a question, its answer and the end of the turn."""
    head: list[int] = tokenizer.encode(question(item)).ids
    tail: list[int] = tokenizer.encode(answer(item)).ids
    picks = item.is_open or item.choices is not None or item.task.startswith("label")
    row = None if teacher is None or item.about is None else teacher.row_of.get(item.about)
    meaning = None if teacher is None or row is None else teacher.meanings[row]
    return Encoded(head + tail, len(head), held, meaning, picks)


def collate(group: list[Encoded]) -> Batch:
    """A batch that learns everything after each item's question."""
    return collate_spans([(e, [(e.start, len(e.ids))]) for e in group])


def collate_spans(group: list[tuple[Encoded, list[tuple[int, int]]]]) -> Batch:
    """Pad to a multiple of eight; each token of a span is predicted from the position before it."""
    time = -(-max(len(e.ids) for e, _ in group) // 8) * 8
    ids = np.zeros((len(group), time), dtype=np.int64)
    rows: list[tuple[int, int, float, int, bool]] = []
    for i, (e, spans) in enumerate(group):
        ids[i, : len(e.ids)] = e.ids
        count = sum(stop - start for start, stop in spans)
        for place in (p for start, stop in spans for p in range(start, stop)):
            rows.append((i * time + place - 1, e.ids[place], _weight(e, place, count), i, place == e.start))
    places, targets, weights, owners, firsts = (np.array(column) for column in zip(*rows, strict=True))
    meanings = np.zeros((len(group), MEANING), dtype=np.float32)
    for i, (e, _) in enumerate(group):
        if e.meaning is not None:
            meanings[i] = e.meaning
    held = np.array([e.held for e, _ in group])
    return Batch(ids, places, targets, weights.astype(np.float32), owners, firsts, held, meanings)


def _weight(e: Encoded, place: int, count: int) -> float:
    """What one token of an answer counts. With every token alike, JSON drowned the choice of labels."""
    if e.picks:
        return LABEL_WEIGHT if place == e.start else REST_WEIGHT
    return float(count**-0.7)


def stream(work: Path, seed: int, tokens: int, held_rate: float) -> Iterator[Batch]:
    """Batches without end, of about `tokens` tokens; the bank is read again as it grows."""
    rng, tokenizer, teacher = Random(seed), vocab.load(work), Teacher(work)
    stamp, learn, held = _stamp(), *_mixtures(work, teacher, held_rate)
    drawn = 0
    while True:
        if drawn and drawn % REREAD == 0 and stamp != _stamp():
            stamp, learn, held = _stamp(), *_mixtures(work, teacher, held_rate)
        pool = []
        for _ in range(POOL):
            apart = held is not None and rng.random() < held_rate
            source = held if apart and held is not None else learn
            pool.append(encode(tokenizer, source.item(rng), apart, teacher))
        for group in _buckets(rng, [e for e in pool if len(e.ids) <= LONGEST], tokens):
            drawn += 1
            yield collate(group)


def background(work: Path, seed: int, tokens: int, held_rate: float) -> Iterator[Batch]:
    """The same batches, made by a second process while the first one learns."""
    context = mp.get_context("spawn")
    queue: Queue[Batch] = context.Queue(maxsize=24)
    worker = context.Process(target=_fill, args=(queue, work, seed, tokens, held_rate), daemon=True)
    worker.start()
    try:
        while True:
            yield queue.get()
    finally:
        worker.terminate()


def _fill(queue: Queue[Batch], work: Path, seed: int, tokens: int, held_rate: float) -> None:
    for batch in stream(work, seed, tokens, held_rate):
        queue.put(batch)


def _mixtures(work: Path, teacher: Teacher, held_rate: float) -> tuple[Mixture, Mixture | None]:
    kept, apart = bank.split(bank.read(), HELD_SHARE)
    return Mixture(work, kept, teacher), Mixture(work, apart, None) if held_rate else None


def _buckets(rng: Random, pool: list[Encoded], tokens: int) -> list[list[Encoded]]:
    pool.sort(key=lambda e: len(e.ids))
    groups: list[list[Encoded]] = [[]]
    for e in pool:
        if groups[-1] and (len(groups[-1]) + 1) * len(e.ids) > tokens:
            groups.append([])
        groups[-1].append(e)
    rng.shuffle(groups)
    return groups


def _stamp() -> tuple[tuple[str, int], ...]:
    return tuple((p.name, p.stat().st_size) for p in sorted(bank.BANK.glob("*.jsonl")))
