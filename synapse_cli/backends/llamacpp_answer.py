"""How is one answer written? As a label of a closed set, by a schema, or freely, token by token."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from synapse_cli.backends.llamacpp_engine import Grammar, raise_if_ended
from synapse_cli.backends.llamacpp_job import Answer, Job
from synapse_cli.backends.pieces import Pieces
from synapse_cli.backends.sampling import Chooser, constrain, log_chance
from synapse_cli.core.completion import Finish
from synapse_cli.core.errors import BadAnswer

if TYPE_CHECKING:
    from synapse_cli.backends.sampling import Logits

_LEAST_ANSWER = 16
"""Tokens that must be left for an answer, unless fewer were asked for."""


def write(job: Job) -> Answer:
    """Answer in the way that the request asks for."""
    from synapse_cli.backends.llamacpp_choice import choose, labels_of

    labels = labels_of(job)
    return choose(job, labels) if labels else _write_freely(job)


def _write_freely(job: Job) -> Answer:
    vocabulary = job.engine.vocabulary
    limit = job.room(_LEAST_ANSWER)
    thinks = job.prompt.text.rstrip().endswith("<think>")
    pieces = Pieces(job.sampling.stop, job.emit, thinks=thinks, prefix=job.answer_prefix)
    steps = _Steps(job, pieces)
    finish: Finish = "length"
    for token in steps:
        if vocabulary.is_end(token):
            finish = "stop"
            break
        was_aloud = pieces.aloud
        pieces.add(steps.raw(token))
        if was_aloud or pieces.aloud:
            steps.leave_out()
        if pieces.stopped:
            finish = "stop"
            break
        if len(steps.tokens) >= limit:
            break
    return Answer(
        pieces.finish(),
        finish,
        len(job.prompt.tokens),
        len(steps.tokens),
        steps.confidence,
        steps.first_at,
        steps.left_out,
        pieces.thought,
    )


class _Steps:
    """One token after the other, each chosen from what the grammar allows, until the reader has enough."""

    def __init__(self, job: Job, pieces: Pieces) -> None:
        self._job = job
        self._pieces = pieces
        self._grammar = _grammar(job)
        self._chooser = Chooser(job.sampling)
        self._chances: list[float] = []
        self._known = 1.0
        self.tokens: list[int] = []
        """Those of the answer; the one that ends it is not among them."""
        self.left_out = 0
        """How many of them were the model talking to itself."""
        self.first_at = math.nan

    def __iter__(self) -> Iterator[int]:
        engine, control = self._job.engine, self._job.control
        logits = engine.read(self._job.prompt.tokens)
        self._known = self._job.knows(logits)
        while True:
            raise_if_ended(control)
            token, chance = self._choose(self._job.speakable(logits))
            if math.isnan(self.first_at):
                self.first_at = time.monotonic()
            ends = engine.vocabulary.is_end(token)
            if not ends:
                self.tokens.append(token)
            if not ends or not self._chances:
                self._chances.append(chance)
            yield token
            if self._grammar is not None:
                self._grammar.accept(token)
            logits = engine.read((token,))

    def _choose(self, logits: Logits) -> tuple[int, float]:
        if self._grammar is not None:
            logits = constrain(logits, self._grammar.allowed)
        while True:
            token = self._chooser.choose(logits, self.tokens)
            if logits[token] == -math.inf:
                raise BadAnswer("no token of this model can continue the answer", "use another model")
            if self._grammar is None or self._pieces.bears(self.raw(token)):
                return token, log_chance(logits, token)
            logits[token] = -math.inf

    def raw(self, token: int) -> bytes:
        """The bytes of a token; some tokenizers put a space before the first word, which nobody asked for."""
        vocabulary = self._job.engine.vocabulary
        return vocabulary.piece(token, strip=len(self.tokens) <= 1 and vocabulary.writes_leading_space)

    def leave_out(self) -> None:
        """Count what was written so far as thinking and not as the answer."""
        self._chances = []
        self.left_out = len(self.tokens)

    @property
    def confidence(self) -> float:
        """Geometric mean of the probabilities of the answer's tokens, less the doubt that the model owned up to.

        The end of the answer does not count, as it is near 1 after a single label and would hide a doubt about it;
        nor do the keys and the punctuation that a schema forces, which would hide a doubt about a value.
        """
        chances = self._chances if self._grammar is None else self._chances_of_values()
        return math.exp(sum(chances) / len(chances)) * self._known if chances else 0.0

    def _chances_of_values(self) -> list[float]:
        from synapse_cli.backends.json_values import of_values

        vocabulary = self._job.engine.vocabulary
        said = of_values([vocabulary.piece(token) for token in self.tokens[self.left_out :]])
        return [chance for chance, counts in zip(self._chances, said, strict=False) if counts] or self._chances


def _grammar(job: Job) -> Grammar | None:
    if job.request.schema is None:
        return None
    from synapse_cli.backends.grammar import from_schema

    return job.engine.grammar(from_schema(job.request.schema, job.answer_prefix))
