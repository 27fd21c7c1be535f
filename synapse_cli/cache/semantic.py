"""Ask a model only what nobody has asked it before in nearly the same words: a backend between cache and budget.

It is asked where the exact cache has nothing. The scope of an answer is exact: model, parameters, system prompt, all
turns before the last, schema, template, attached input. Within it the nearest prompts are looked up and judged one by
one (`learned.similarity`); the best one serves if its score is proved, or taken on trust, to be enough.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from synapse_cli.cache import semantic_index as index
from synapse_cli.cache.answers import Store
from synapse_cli.cache.cached import Mode
from synapse_cli.cache.semantic_index import FOLDER, Flat
from synapse_cli.cache.semantic_rows import Entry, Rows
from synapse_cli.core.completion import Completion, Count, Facts, Likeness
from synapse_cli.core.control import Control
from synapse_cli.core.errors import CacheMiss
from synapse_cli.core.ports import Backend, Emit
from synapse_cli.core.prompt import Message, Request

if TYPE_CHECKING:
    from synapse_cli.learned.similarity import Judged, Similarity

_TAIL = 512
"""Entries that may be newer than the file of their scope: a thousandth of a second to read them."""
_JUDGED = 5
"""Of the nearest prompts."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request belongs."""

    scope: bytes
    """A hash of everything that must be equal."""
    key: str
    """Of the whole request in the exact cache."""
    prompt: str
    """What may differ in words."""


class SemanticallyCached:
    """A Backend that answers with what a prompt like this one was answered, and else asks the wrapped one.

    Safe from several threads and processes; whatever fails about it is a miss. What it finds is marked as not to be
    kept, so that no answer spreads from prompt to prompt.
    """

    def __init__(
        self,
        backend: Callable[[], Backend],
        place: Callable[[Request], Place | None],
        similarity: Callable[[], Similarity],
        encode: Callable[[str], Sequence[float] | None],
        *,
        rows: Rows,
        store: Store,
        facts: Callable[[], Facts] | None = None,
        mode: Mode = "normal",
        ttl_s: float | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Wrap what `backend` makes; `place` gives None for a request that is only ever kept exactly."""
        self._backend = backend
        self._place = place
        self._similarity = similarity
        self._encode = encode
        self._rows = rows
        self._store = store
        self._facts = facts
        self._mode = mode
        self._ttl_s = ttl_s
        self._now = now

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Return what the likest prompt was answered (`cached`, `like`), else ask. Raises CacheMiss in mode "only"."""
        place = self._place(request)
        vector = None if place is None else self._vector(place.prompt)
        if place is not None and vector is not None and self._mode != "refresh":
            found = self._found(place, vector)
            if found is not None:
                if emit is not None and found.text:
                    emit(found.text)
                return found
        if self._mode == "only":
            raise CacheMiss("nothing is kept for this request or one like it", "run it once without --cache-only")
        completion = self._backend().complete(request, control, emit)
        if place is not None and vector is not None and completion.keepable:
            now = self._now()
            expires = None if self._ttl_s is None else now + self._ttl_s
            self._rows.put(place.scope, place.key, place.prompt, index.pack(vector), kept=now, expires=expires)
        return completion

    def facts(self) -> Facts:
        """The wrapped backend's; without making it where somebody told how."""
        return self._backend().facts() if self._facts is None else self._facts()

    def count(self, messages: Sequence[Message]) -> Count:
        """The wrapped backend's."""
        return self._backend().count(messages)

    def _vector(self, prompt: str) -> Sequence[float] | None:
        """The prompt's vector; None where it cannot be had."""
        self._similarity()  # what refuses to turn on says so before anything is encoded
        return self._encode(prompt) or None

    def _found(self, place: Place, vector: Sequence[float]) -> Completion | None:
        """The answer of the prompt that is most surely the same, if any is and its answer is still there."""
        similarity = self._similarity()
        numbers = [number for cosine, number in self._nearest(place.scope, vector) if cosine > 0]
        judged = [(self._judge(similarity, place, vector, entry), entry) for entry in self._rows.entries(numbers)]
        for verdict, entry in sorted(judged, key=lambda each: (-each[0].score, each[1].id)):
            if verdict.score < similarity.threshold:
                break
            kept = None if self._is_over(entry) else self._store.get_completion(entry.key, max_age_s=self._ttl_s)
            if kept is None:
                self._rows.drop(entry.id)
                continue
            promise = None if similarity.promise is None else similarity.promise.text
            like = Likeness(
                entry=entry.key,
                prompt=entry.prompt,
                cosine=round(verdict.cosine, 4),
                score=round(verdict.score, 4),
                threshold=similarity.threshold,
                promise=promise,
            )
            return replace(
                kept,
                cached=True,
                cache_key=entry.key,
                like=like,
                keepable=False,
                latency_s=0.0,
                first_latency_s=None,
            )
        return None

    def _judge(self, similarity: Similarity, place: Place, vector: Sequence[float], entry: Entry) -> Judged:
        return similarity.judge(place.prompt, entry.prompt, vector, index.unpack(entry.vector).floats)

    def _is_over(self, entry: Entry) -> bool:
        """Whether its time is over, by its own expiry or by what the reader thinks fresh enough."""
        now = self._now()
        if entry.expires is not None and now >= entry.expires:
            return True
        return self._ttl_s is not None and now >= entry.kept + self._ttl_s

    def _nearest(self, scope: bytes, vector: Sequence[float]) -> list[tuple[float, int]]:
        """Cosine and number of the nearest, from the scope's file and from what came after it."""
        path = os.path.join(self._rows.folder, FOLDER, f"{scope.hex()}-{self._rows.life()}.vectors")
        flat = Flat.open(path)
        newer = self._rows.after(scope, 0 if flat is None else flat.last)
        if len(newer) > _TAIL:
            _renew(path, self._rows.after(scope, 0))
        found = index.nearest(vector, newer, _JUDGED)
        if flat is not None:
            found += flat.nearest(vector, _JUDGED)
            flat.close()
        return sorted(found, key=lambda each: (-each[0], each[1]))[:_JUDGED]


def _renew(path: str, rows: Sequence[tuple[int, bytes]]) -> None:
    """Make a scope's file anew; where it cannot be written, the rows are read next time too."""
    try:
        index.write_flat(path, rows)
    except (OSError, ValueError):
        return
