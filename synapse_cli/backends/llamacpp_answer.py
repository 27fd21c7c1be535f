"""How is one answer written? As a label of a closed set, by a grammar, or freely, token by token."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

from synapse_cli.backends.llamacpp_job import Job
from synapse_cli.backends.llamacpp_prompt import mark_tokens
from synapse_cli.backends.llamacpp_rows import Row
from synapse_cli.backends.llamacpp_seat import Answer, Begin, Task
from synapse_cli.backends.pieces import Pieces
from synapse_cli.backends.reply import Reply
from synapse_cli.backends.sampling import Chooser, constrain, log_chance
from synapse_cli.backends.tool_calls import offered
from synapse_cli.core.completion import Finish
from synapse_cli.core.errors import BadAnswer
from synapse_cli.core.ports import Emit

if TYPE_CHECKING:
    from synapse_cli.backends.gbnf_bound import Bound
    from synapse_cli.backends.sampling import Logits

_LEAST_ANSWER = 16
"""Tokens that must be left for an answer, unless fewer were asked for."""
_KEPT_FOR_ANSWER = 64
"""Tokens that a thought leaves to the answer; where fewer may be written in all, it is not cut short."""


def write(job: Job, emit: Emit | None) -> Task:
    """Answer in the way that the request asks for."""
    from synapse_cli.backends.llamacpp_choice import choose, labels_of

    labels = labels_of(job)
    # a grammar is read here, by the thread that asks: the engine's own is not to wait for it
    return choose(job, labels, emit) if labels else _write_freely(job, emit, _grammar(job))


def _write_freely(job: Job, emit: Emit | None, grammar: Bound | None) -> Task:
    is_end = job.engine.vocabulary.is_end
    may_think = job.prompt.thinks or job.prompt.form.thinks
    limit = job.room(_LEAST_ANSWER, job.wished.budget if may_think else 0)
    pieces = Pieces(job.sampling.stop, emit, reply=_reply(job), prefix=job.answer_prefix)
    steps = _Steps(job, pieces, grammar)
    last_thought = min(job.wished.budget, limit - max(_KEPT_FOR_ANSWER, limit // 4))
    finish: Finish = "length"
    job.control.doing("reading the prompt")
    row = yield Begin(job.prompt.tokens, job.stable)
    job.control.doing("writing the answer")
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
        if pieces.aloud and 0 < last_thought <= len(steps.tokens):
            steps.end_thought()
        row = yield token
    text = pieces.finish()
    return Answer(
        text,
        "tool_calls" if pieces.calls and finish == "stop" else finish,
        len(job.prompt.tokens),
        len(steps.tokens),
        steps.confidence,
        steps.first_at,
        steps.left_out,
        pieces.thought,
        calls=pieces.calls,
        warnings=pieces.warnings,
    )


def _reply(job: Job) -> Reply:
    """What tells the thoughts and calls of this model from its answer."""
    prompt = job.prompt
    return Reply(prompt.form, begun=prompt.thinks or prompt.answers, tools=offered(job.request.tools))


class _Steps:
    """One token after the other, each chosen from what the grammar allows."""

    def __init__(self, job: Job, pieces: Pieces, grammar: Bound | None) -> None:
        self._job = job
        self._vocabulary = job.engine.vocabulary
        self._pieces = pieces
        self._grammar = grammar
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
        self._marks = mark_tokens(self._vocabulary, job.prompt.form)
        self._forced: deque[int] = deque()
        """What is put in the model's mouth."""
        self._was_cut = self._is_forced = False

    def take(self, row: Row) -> int:
        """The next token, noted with its chance."""
        if self._forced:
            self.tokens.append(self._forced.popleft())
            self._is_forced = True
            return self.tokens[-1]
        self._is_forced = False
        token, chance = (row.best, row.log_chance) if self._takes_best else self._choose(row.logits)
        if math.isnan(self.first_at):
            self.first_at = time.monotonic()
        ends = self._vocabulary.is_end(token)
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
        """Move the grammar on; what is put in the model's mouth, or said to itself, is bound by none."""
        if self._grammar is not None and not was_aloud and not self._is_forced:
            self._grammar.accept(token)
            self._chosen.append(self._grammar.had_choice)

    def end_thought(self) -> None:
        """Let the model come to its answer: it has thought for long enough."""
        if not self._was_cut:
            form, vocabulary = self._job.prompt.form, self._vocabulary
            self._forced.extend(vocabulary.tokens(form.cut_short(form.begun(self._job.prompt.text)), special=True))
            self._was_cut = True

    def raw(self, token: int) -> bytes:
        """The bytes of a token; some tokenizers put a space before the first word, which nobody asked for."""
        is_first = len(self.tokens) <= 1 and self._vocabulary.writes_leading_space
        return self._vocabulary.piece(token, special=token in self._marks, strip=is_first)

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
    if job.request.choices:
        from synapse_cli.backends.grammar import from_choices

        text = from_choices(job.request.choices)
    if text is None:
        return None
    from synapse_cli.backends.gbnf_bound import Bound

    job.control.doing("compiling the grammar")
    return Bound(text, job.engine.vocabulary, job.answer_prefix)
