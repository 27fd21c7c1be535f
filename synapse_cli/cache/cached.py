"""Ask a model only what it has not answered before: a backend around a backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from synapse_cli.cache.answers import Store
from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import CacheMiss
from synapse_cli.core.ports import Backend, Emit
from synapse_cli.core.prompt import Message, Request

__all__ = ["Cached", "Mode", "Store"]

Mode = Literal["normal", "refresh", "only"]


class Cached:
    """A Backend that answers from the cache where it can, and keeps what the wrapped one answers.

    The wrapped backend is made on the first miss, so a hit imports and loads nothing. Only whole answers
    are kept, and never one that a budget shortened; errors are not. A hit hands its text to `emit` once.
    """

    def __init__(
        self,
        backend: Callable[[], Backend],
        key_of: Callable[[Request], str],
        store: Store,
        *,
        facts: Callable[[], Facts] | None = None,
        mode: Mode = "normal",
        ttl_s: float | None = None,
        label: str = "",
    ) -> None:
        """Wrap what `backend` makes; `key_of` may raise OSError for a model file that cannot be hashed."""
        self._backend = backend
        self._key_of = key_of
        self._store = store
        self._facts = facts
        self._mode = mode
        self._ttl_s = ttl_s
        self._label = label

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Return the kept answer (`cached`, its cost as recorded), else ask. Raises CacheMiss in mode "only"."""
        key = self._key(request)
        kept = None if key is None or self._mode == "refresh" else self._kept(key)
        if kept is not None:
            if emit is not None and kept.text:
                emit(kept.text)
            return kept
        if self._mode == "only":
            raise CacheMiss("nothing is kept for this request", "run it once without --cache-only")
        completion = self._backend().complete(request, control, emit)
        if key is None or not completion.keepable:
            return completion
        self._store.put_completion(key, completion, self._ttl_s, self._label)
        return replace(completion, cache_key=key)

    def facts(self) -> Facts:
        """The wrapped backend's; without making it where somebody told how."""
        return self._backend().facts() if self._facts is None else self._facts()

    def count(self, messages: Sequence[Message]) -> Count:
        """The wrapped backend's."""
        return self._backend().count(messages)

    def _key(self, request: Request) -> str | None:
        """The request's key, or None where the model's file cannot be read: its backend says so better."""
        try:
            return self._key_of(request)
        except OSError:
            return None

    def _kept(self, key: str) -> Completion | None:
        kept = self._store.get_completion(key, max_age_s=self._ttl_s)
        if kept is None:
            return None
        # What it took then is not what it took now.
        return replace(kept, cached=True, cache_key=key, latency_s=0.0, first_latency_s=None)
