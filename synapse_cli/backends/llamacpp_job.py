"""What is known while one answer is written, and what every way of writing shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.backends.gguf import Header
from synapse_cli.backends.llamacpp_engine import Engine
from synapse_cli.backends.llamacpp_prompt import Prompt
from synapse_cli.backends.sampling import Sampling, log_chance
from synapse_cli.core.completion import Finish
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadRequest
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Request

if TYPE_CHECKING:
    from synapse_cli.backends.sampling import Logits

_DEFAULT_ANSWER = 2048
"""Tokens of an answer when nobody says: enough for a page or two, and an end for a model that finds none."""
_ABSTAIN = "synapse.abstain_token_id"
_PREFIX = "synapse.answer_prefix"


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

    def room(self, least: int) -> int:
        """Tokens that the answer may have; raises BadRequest where the prompt leaves fewer than `least`."""
        wanted, length = self.sampling.max_tokens, len(self.prompt.tokens)
        room = self.engine.window - length
        if room < min(least, wanted or least):
            raise BadRequest(
                f"the prompt has {length} tokens, and the window for it and the answer has {self.engine.window}",
                "shorten the input, or raise context in the profile where the model allows it",
            )
        return min(room, wanted or _DEFAULT_ANSWER)

    @property
    def abstain_token(self) -> int | None:
        """The token by which a model of ours says that it does not know."""
        token = self.header.metadata.get(_ABSTAIN)
        return token if isinstance(token, int) and 0 <= token < self.engine.vocabulary.size else None

    @property
    def answer_prefix(self) -> str:
        """What a model of ours writes before every answer, and nobody is shown; empty for other models."""
        prefix = self.header.metadata.get(_PREFIX)
        return prefix if isinstance(prefix, str) else ""

    def knows(self, first: Logits) -> float:
        """1 less the probability that the model says, as its first word, that it does not know."""
        token = self.abstain_token
        return 1.0 if token is None else 1.0 - math.exp(log_chance(first, token))

    def speakable(self, logits: Logits) -> Logits:
        """Logits without the token by which the model abstains: it is heard, and never written."""
        token = self.abstain_token
        if token is not None:
            logits[token] = -math.inf
        return logits


@dataclass(frozen=True, slots=True)
class Answer:
    """What was written."""

    text: str
    finish: Finish
    input: int
    output: int
    """Tokens."""
    confidence: float
    first_at: float
    """Monotonic seconds of the first token."""
    reasoning: int = 0
    """Tokens of the output that were no part of the answer."""
    thinking: str = ""
