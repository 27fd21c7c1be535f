"""Which label is the answer, where it must be one of a set?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from synapse_cli.backends import closed_set
from synapse_cli.backends.closed_set import Path
from synapse_cli.backends.instruction import without_text
from synapse_cli.backends.labels import find_labels
from synapse_cli.backends.llamacpp_job import Answer, Job
from synapse_cli.backends.llamacpp_prompt import Prompt, label_tokens, prepare
from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Message, Request

if TYPE_CHECKING:
    from synapse_cli.backends.sampling import Logits

_NANO = "synapse.nano.version"
_CLOSED_SETS = "synapse.closed_sets"
_CALIBRATION = "synapse.contextual_calibration"


def labels_of(job: Job) -> tuple[str, ...]:
    """The closed set that the answer must come from; empty where there is none."""
    request = job.request
    if request.choices:
        if not all(label.strip() for label in request.choices):
            raise UsageError("one of the choices is empty", "give labels that say something")
        return tuple(dict.fromkeys(request.choices))
    if request.schema is not None:
        return _enumeration(request.schema)
    metadata = job.header.metadata
    if metadata.get(_CLOSED_SETS, _NANO in metadata):
        return _named(request)
    return ()


def choose(job: Job, labels: tuple[str, ...]) -> Answer:
    """Score every label and answer with the likeliest, in its declared spelling."""
    tokens, scores, knows, first_at = _scores(job, job.prompt, labels)
    without = None
    if _is_calibrated(job):
        job.engine.begin(job.control)
        without = _scores(job, _prompt_without_text(job), labels)[1]
    ranking = closed_set.rank(scores, without)
    best = ranking.best
    text = labels[best] if job.request.schema is None else json.dumps(labels[best], ensure_ascii=False)
    if job.emit is not None:
        job.emit(text)
    return Answer(text, "stop", len(job.prompt.tokens), len(tokens[best]), ranking.chances[best] * knows, first_at)


def _scores(job: Job, prompt: Prompt, labels: Sequence[str]) -> tuple[list[Path], list[float], float, float]:
    """Tokens and log-probability of each label, how far the model knows, and when that was clear."""
    engine = job.engine
    kept, tokens = label_tokens(engine.vocabulary, prompt, [job.answer_prefix + label for label in labels])
    marked = closed_set.paths(tokens, engine.vocabulary.end_token)
    job.room(max(len(path) for path in marked))
    first = engine.read(prompt.tokens[:kept])
    knows, first_at = job.knows(first), time.monotonic()

    def follow(paths: Sequence[Path]) -> Iterator[tuple[int, int, Logits]]:
        for path, depth, logits in engine.follow(paths):
            yield path, depth, job.speakable(logits)

    return tokens, closed_set.log_scores(job.speakable(first), marked, follow), knows, first_at


def _enumeration(schema: str) -> tuple[str, ...]:
    """The values of a schema that allows some texts and nothing else."""
    parsed = json.loads(schema)
    if not isinstance(parsed, dict) or not {"enum", "type", "title", "description", "$schema", "default"} >= set(
        parsed
    ):
        return ()
    values = parsed.get("enum")
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
        return ()
    return tuple(dict.fromkeys(values)) if parsed.get("type", "string") == "string" else ()


def _named(request: Request) -> tuple[str, ...]:
    """Labels that the system prompt names, else the question."""
    system = "\n".join(message.content for message in request.messages if message.role == "system")
    return (
        find_labels(f"{system}\n\n…") or find_labels(_question(request)) if system else find_labels(_question(request))
    )


def _question(request: Request) -> str:
    return next((message.content for message in reversed(request.messages) if message.role == "user"), "")


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
    return prepare(job.engine.vocabulary, job.header.chat_template, asked, job.control)
