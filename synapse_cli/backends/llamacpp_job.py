"""What is known while one answer is written, and what every way of writing shares."""

from __future__ import annotations

from dataclasses import dataclass, field

from synapse_cli.backends.gguf import Header
from synapse_cli.backends.llamacpp_engine import Engine
from synapse_cli.backends.llamacpp_prompt import Prompt, Wishes, stable_tokens
from synapse_cli.backends.sampling import Sampling
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadRequest
from synapse_cli.core.prompt import Request

_DEFAULT_ANSWER = 2048
"""Tokens of an answer when nobody says: enough for a page or two, and an end for a model that finds none."""
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
    wished: Wishes = field(default_factory=Wishes)
    marks_stable: bool = False
    """Whether the beginning that all requests of its route share is to be remembered."""

    def room(self, least: int, thought: int = 0) -> int:
        """Tokens that the answer may have; raises BadRequest where the prompt leaves fewer than `least`.

        `thought` is what a thought may have beyond the answer, where nobody said how much both may have.
        """
        wanted, length = self.sampling.max_tokens, len(self.prompt.tokens)
        room = self.engine.window - length
        if room < min(least, wanted or least):
            raise BadRequest(
                f"the prompt has {length} tokens, and the window for it and the answer has {self.engine.window}",
                "shorten the input, or raise context in the profile where the model allows it",
            )
        return min(room, wanted or _DEFAULT_ANSWER + thought)

    @property
    def answer_prefix(self) -> str:
        """What a model of ours writes before every answer, and nobody is shown; empty for other models."""
        prefix = self.header.metadata.get(_PREFIX)
        return prefix if isinstance(prefix, str) else ""

    @property
    def stable(self) -> int:
        """How many tokens every request of this route begins with: those before the first question; 0 for unasked."""
        return stable_tokens(self.engine.vocabulary, self.prompt, self.request.messages) if self.marks_stable else 0
