"""Which label is the answer, where it must be one of a set?"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from synapse_cli.backends import closed_set
from synapse_cli.backends.closed_labels import given_labels, named_labels
from synapse_cli.backends.closed_set import Path
from synapse_cli.backends.instruction import without_text
from synapse_cli.backends.llamacpp_job import Job
from synapse_cli.backends.llamacpp_prompt import Prompt, label_tokens, prepare, silenced
from synapse_cli.backends.llamacpp_rows import Row
from synapse_cli.backends.llamacpp_seat import Answer, Begin, Demand, Follow, Task
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message

_NANO = "synapse.nano.version"
_CLOSED_SETS = "synapse.closed_sets"
_CALIBRATION = "synapse.contextual_calibration"
_MOST_LABELS, _LONGEST_LABEL, _MOST_CHARACTERS = 1000, 500, 20_000
"""Reading that many labels takes some seconds on a processor; 2,000 of a thousand letters took minutes."""


def labels_of(job: Job) -> tuple[str, ...]:
    """The closed set that the answer must come from; empty where there is none."""
    request = job.request
    if request.choices or request.schema is not None:
        return _scorable(given_labels(request))
    if request.grammar is not None or request.tools:
        return ()
    metadata = job.header.metadata
    return named_labels(request) if metadata.get(_CLOSED_SETS, _NANO in metadata) else ()


def _scorable(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels, or none where there are so many that they are better written by a grammar than read one by one."""
    longest, together = max(map(len, labels), default=0), sum(map(len, labels))
    is_small = len(labels) <= _MOST_LABELS and longest <= _LONGEST_LABEL and together <= _MOST_CHARACTERS
    return labels if is_small else ()


def choose(job: Job, labels: tuple[str, ...], emit: Emit | None) -> Task:
    """Score every label and answer with the likeliest, in its declared spelling."""
    prompt = silenced(job.engine.vocabulary, job.prompt)
    asked = yield from _scores(job, prompt, labels)
    without = None
    if _is_calibrated(job):
        without = (yield from _scores(job, _prompt_without_text(job), labels)).scores
    ranking = closed_set.rank(asked.scores, without)
    best = ranking.best
    text = labels[best] if job.request.schema is None else json.dumps(labels[best], ensure_ascii=False)
    if emit is not None:
        emit(text)
    confidence = ranking.chances[best] * asked.knows
    return Answer(text, "stop", len(prompt.tokens), len(asked.tokens[best]), confidence, asked.first_at)


@dataclass(frozen=True, slots=True)
class _Scored:
    """What was found out about the labels."""

    tokens: list[Path]
    scores: list[float]
    """Log-probabilities."""
    knows: float
    first_at: float


def _scores(job: Job, prompt: Prompt, labels: Sequence[str]) -> Generator[Demand, Row, _Scored]:
    kept, tokens = label_tokens(job.engine.vocabulary, prompt, [job.answer_prefix + label for label in labels])
    marked = closed_set.paths(tokens, job.engine.vocabulary.end_token)
    job.room(max(len(path) for path in marked))
    scoring = closed_set.Scoring(marked)
    job.control.doing("reading the prompt")
    row = yield Begin(prompt.tokens[:kept], job.stable)
    job.control.doing("weighing the labels")
    knows, first_at = row.knows, time.monotonic()
    scoring.hear_first(row.log_chance_of)
    if scoring.to_read:
        yield Follow(scoring.to_read, lambda path, depth, row: scoring.hear(path, depth, row.log_chance_of))
    return _Scored(tokens, scoring.scores, knows, first_at)


def _is_calibrated(job: Job) -> bool:
    asked = job.sampling.contextual_calibration
    return job.header.metadata.get(_CALIBRATION) is True if asked is None else asked


def _prompt_without_text(job: Job) -> Prompt:
    """The same conversation, with nothing but the instruction in its last question."""
    messages = list(job.request.messages)
    last = max((place for place, message in enumerate(messages) if message.role == "user"), default=-1)
    if last >= 0:
        messages[last] = replace(messages[last], content=without_text(messages[last].content))
    asked: Sequence[Message] = messages
    prompt = prepare(job.engine.vocabulary, job.header.chat_template, asked, job.control, job.wished)
    return silenced(job.engine.vocabulary, prompt)
