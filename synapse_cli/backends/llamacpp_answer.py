"""How is one answer written? As a label of a closed set, by a grammar, or freely, token by token."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from synapse_cli.backends.llamacpp_job import Job
from synapse_cli.backends.llamacpp_rows import Row
from synapse_cli.backends.llamacpp_seat import Answer, Begin, Task
from synapse_cli.backends.pieces import Pieces
from synapse_cli.backends.sampling import Chooser, constrain, log_chance
from synapse_cli.core.completion import Finish
from synapse_cli.core.errors import BadAnswer
from synapse_cli.core.ports import Emit

if TYPE_CHECKING:
    from synapse_cli.backends.gbnf_bound import Bound
    from synapse_cli.backends.sampling import Logits

_LEAST_ANSWER = 16
"""Tokens that must be left for an answer, unless fewer were asked for."""


def write(job: Job, emit: Emit | None) -> Task:
    """Answer in the way that the request asks for."""
    from synapse_cli.backends.llamacpp_choice import choose, labels_of

    labels = labels_of(job)
    return choose(job, labels, emit) if labels else _write_freely(job, emit)


def _write_freely(job: Job, emit: Emit | None) -> Task:
    is_end = job.engine.vocabulary.is_end
    limit = job.room(_LEAST_ANSWER)
    thinks = job.prompt.text.rstrip().endswith("<think>")
    pieces = Pieces(job.sampling.stop, emit, thinks=thinks, prefix=job.answer_prefix)
    steps = _Steps(job, pieces)
    finish: Finish = "length"
    row = yield Begin(job.prompt.tokens, job.stable)
    steps.known = row.knows
    while True:
        token = steps.take(row)
        if is_end(token):
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
        steps.accept(token, was_aloud=was_aloud)
        row = yield token
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
    """One token after the other, each chosen from what the grammar allows."""

    def __init__(self, job: Job, pieces: Pieces) -> None:
        self._job = job
        self._pieces = pieces
        self._grammar = _grammar(job)
        self._chooser = Chooser(job.sampling)
        self._takes_best = self._grammar is None and self._chooser.takes_best
        self._chances: list[float] = []
        self._chosen: list[bool] = []
        """For each token, whether a grammar left a choice in it."""
        self.known = 1.0
        """How far the model knows, by its own word."""
        self.tokens: list[int] = []
        """Those of the answer; the one that ends it is not among them."""
        self.left_out = 0
        """How many of them were the model talking to itself."""
        self.first_at = math.nan

    def take(self, row: Row) -> int:
        """The next token, noted with its chance."""
        token, chance = (row.best, row.log_chance) if self._takes_best else self._choose(row.logits)
        if math.isnan(self.first_at):
            self.first_at = time.monotonic()
        ends = self._job.engine.vocabulary.is_end(token)
        if not ends:
            self.tokens.append(token)
        if not ends or not self._chances:
            self._chances.append(chance)
        return token

    def _choose(self, logits: Logits) -> tuple[int, float]:
        # what a model says to itself is bound by nothing
        grammar = None if self._pieces.aloud else self._grammar
        if grammar is not None:
            logits = constrain(logits, grammar.allowed)
        token = self._chooser.choose(logits, self.tokens)
        if logits[token] == -math.inf:
            raise BadAnswer("no token of this model can continue the answer", "use another model")
        return token, log_chance(logits, token)

    def accept(self, token: int, *, was_aloud: bool) -> None:
        """Move the grammar on."""
        if self._grammar is not None and not was_aloud:
            self._grammar.accept(token)
            self._chosen.append(self._grammar.had_choice)

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
        chances = self._chances
        if self._job.request.schema is not None:
            chances = self._chances_of_values()
        elif self._grammar is not None:
            chances = [c for c, chosen in zip(chances, self._chosen, strict=False) if chosen] or chances
        return math.exp(sum(chances) / len(chances)) * self.known if chances else 0.0

    def _chances_of_values(self) -> list[float]:
        from synapse_cli.backends.json_values import of_values

        vocabulary = self._job.engine.vocabulary
        said = of_values([vocabulary.piece(token) for token in self.tokens[self.left_out :]])
        return [chance for chance, counts in zip(self._chances, said, strict=False) if counts] or self._chances


def _grammar(job: Job) -> Bound | None:
    text = job.request.grammar
    if job.request.schema is not None:
        from synapse_cli.backends.grammar import from_schema

        text = from_schema(job.request.schema)
    if text is None:
        return None
    from synapse_cli.backends.gbnf_bound import Bound

    return Bound(text, job.engine.vocabulary, job.answer_prefix)
