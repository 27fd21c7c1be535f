"""How is one answer written? As a label of a closed set, by a schema, or freely, token by token."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.backends import closed_set
from synapse_cli.backends.gguf import Header
from synapse_cli.backends.llamacpp_engine import Engine, Grammar, raise_if_ended
from synapse_cli.backends.llamacpp_prompt import Prompt, label_tokens
from synapse_cli.backends.pieces import Pieces
from synapse_cli.backends.sampling import Chooser, Sampling, constrain, log_chance
from synapse_cli.core.completion import Finish
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadRequest, UsageError
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Request

if TYPE_CHECKING:
    from synapse_cli.backends.sampling import Logits

_LEAST_ANSWER = 16
"""Tokens that must be left for an answer, unless fewer were asked for."""
_DEFAULT_ANSWER = 2048
"""Tokens of an answer when nobody says: enough for a page or two, and an end for a model that finds none."""
_ABSTAIN = "synapse.abstain_token_id"
_CLOSED_SETS = "synapse.closed_sets"


@dataclass(frozen=True, slots=True)
class Job:
    """One request with everything that is needed to answer it."""

    engine: Engine
    header: Header
    request: Request
    sampling: Sampling
    prompt: Prompt
    control: Control
    emit: Emit | None

    @property
    def abstain_token(self) -> int | None:
        """The token by which a model of ours says that it does not know; it is never written."""
        token = self.header.metadata.get(_ABSTAIN)
        return token if isinstance(token, int) and 0 <= token < self.engine.vocabulary.size else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was written."""

    text: str
    finish: Finish
    input: int
    output: int
    """Tokens."""
    confidence: float | None
    first_at: float
    """Monotonic seconds of the first token."""


def write(job: Job) -> Answer:
    """Answer in the way that the request asks for."""
    labels, quoted = _labels(job)
    if labels:
        return _choose_label(job, labels, quoted=quoted)
    return _write_freely(job)


def _labels(job: Job) -> tuple[tuple[str, ...], bool]:
    """The closed set that the answer must come from, and whether the answer is to be JSON."""
    request = job.request
    if request.choices:
        if not all(label.strip() for label in request.choices):
            raise UsageError("one of the choices is empty", "give labels that say something")
        return tuple(dict.fromkeys(request.choices)), False
    if request.schema is not None:
        schema = json.loads(request.schema)
        values = schema.get("enum") if isinstance(schema, dict) else None
        if isinstance(values, list) and values and all(isinstance(value, str) and value.strip() for value in values):
            return tuple(dict.fromkeys(values)), True
        return (), False
    if job.header.metadata.get(_CLOSED_SETS) is True:
        from synapse_cli.backends.labels import find_labels

        return find_labels(_question(request)), False
    return (), False


def _question(request: Request) -> str:
    return next((message.content for message in reversed(request.messages) if message.role == "user"), "")


def _choose_label(job: Job, labels: tuple[str, ...], *, quoted: bool) -> Answer:
    engine, prompt = job.engine, job.prompt
    kept, tokens = label_tokens(engine.vocabulary, prompt, labels)
    marked = closed_set.paths(tokens, engine.vocabulary.end_token)
    _check_room(job, max(len(path) for path in marked))
    first = engine.read(prompt.tokens[:kept])
    first_at = time.monotonic()
    known = 1.0 - _abstention(job, first)
    scores = closed_set.log_scores(_masked(job, first), marked, engine.follow)
    ranking = closed_set.rank(scores)
    label = labels[ranking.best]
    text = json.dumps(label, ensure_ascii=False) if quoted else label
    if job.emit is not None:
        job.emit(text)
    confidence = ranking.chances[ranking.best] * known
    return Answer(text, "stop", len(prompt.tokens), len(tokens[ranking.best]), confidence, first_at)


def _write_freely(job: Job) -> Answer:
    vocabulary = job.engine.vocabulary
    limit = _check_room(job, _LEAST_ANSWER)
    pieces = Pieces(job.sampling.stop, job.emit)
    steps = _Steps(job, pieces)
    finish: Finish = "length"
    for token in steps:
        if vocabulary.is_end(token):
            finish = "stop"
            break
        pieces.add(steps.raw(token))
        if pieces.stopped:
            finish = "stop"
            break
        if len(steps.tokens) >= limit:
            break
    return Answer(pieces.finish(), finish, len(job.prompt.tokens), len(steps.tokens), steps.confidence, steps.first_at)


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
        self.first_at = math.nan

    def __iter__(self) -> Iterator[int]:
        engine, control = self._job.engine, self._job.control
        logits = engine.read(self._job.prompt.tokens)
        self._known = 1.0 - _abstention(self._job, logits)
        while True:
            raise_if_ended(control)
            token, chance = self._choose(_masked(self._job, logits))
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
            if self._grammar is None or self._pieces.bears(self.raw(token)):
                return token, log_chance(logits, token)
            logits[token] = -math.inf

    def raw(self, token: int) -> bytes:
        """The bytes of a token; some tokenizers put a space before the first word, which nobody asked for."""
        vocabulary = self._job.engine.vocabulary
        return vocabulary.piece(token, strip=len(self.tokens) <= 1 and vocabulary.writes_leading_space)

    @property
    def confidence(self) -> float:
        """Geometric mean of the probabilities of the answer's tokens, less the doubt that the model owned up to.

        The end of the answer does not count, as it is near 1 after a single label and would hide a doubt about it.
        """
        return math.exp(sum(self._chances) / len(self._chances)) * self._known


def _check_room(job: Job, least: int) -> int:
    """Tokens that the answer may have; raises BadRequest where the prompt leaves too few."""
    wanted = job.sampling.max_tokens
    room = job.engine.window - len(job.prompt.tokens)
    if room < min(least, wanted or least):
        raise BadRequest(
            f"the prompt has {len(job.prompt.tokens)} tokens, and the window for all is {job.engine.window}",
            "shorten the input, or raise context in the profile where the model allows it",
        )
    return min(room, wanted or _DEFAULT_ANSWER)


def _grammar(job: Job) -> Grammar | None:
    if job.request.schema is None:
        return None
    from synapse_cli.backends.grammar import from_schema

    return job.engine.grammar(from_schema(job.request.schema))


def _abstention(job: Job, logits: Logits) -> float:
    """Probability that the model says, as its first word, that it does not know."""
    token = job.abstain_token
    return 0.0 if token is None else math.exp(log_chance(logits, token))


def _masked(job: Job, logits: Logits) -> Logits:
    token = job.abstain_token
    if token is not None:
        logits[token] = -math.inf
    return logits
