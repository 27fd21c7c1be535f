"""What a model is asked: messages, parameters, and what its answer must look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
"""Anything that JSON can say."""

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything a backend needs for one call, and everything the cache key is made of.

    At most one of `choices`, `schema` and `grammar` is set. `schema` and each of `tools` are canonical
    JSON texts, so that a request stays hashable and equal requests have equal bytes.
    """

    messages: tuple[Message, ...]
    params: Mapping[str, Json] = field(default_factory=dict)
    """temperature, top_p, top_k, min_p, max_tokens, seed, stop, …: the profile's merged with the flags'."""
    choices: tuple[str, ...] = ()
    schema: str | None = None
    grammar: str | None = None
    tools: tuple[str, ...] = ()
    template_version: str | None = None
    """Version of the prompt template the messages were rendered from; part of the cache key."""
    sample: int = 0
    """Which of several answers to the same request this is; part of the cache key."""
