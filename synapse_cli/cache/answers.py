"""Keep finished calls, their verdicts and routing decisions; a cache that fails warns once and costs nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple, Protocol, TypeVar

from synapse_cli.cache import codec
from synapse_cli.cache.codec import Kind, Record
from synapse_cli.cache.shelf import Shelf, ShelfFailed
from synapse_cli.core.completion import Completion
from synapse_cli.core.outcome import Decision
from synapse_cli.core.prompt import Json
from synapse_cli.core.verdict import Verdict

T = TypeVar("T")


class Store(Protocol):
    """What `Cached`, the cascade and the router ask of a cache. No method raises."""

    def get_completion(self, key: str, *, max_age_s: float | None = None) -> Completion | None:
        """The answer kept under a request's key, not older than `max_age_s`."""
        ...

    def put_completion(self, key: str, completion: Completion, ttl_s: float | None = None, label: str = "") -> None:
        """Keep an answer; `label` names its model for people."""
        ...

    def get_verdicts(self, key: str, rules_hash: str) -> tuple[Verdict, ...] | None:
        """What these rules said of the answer under `key`."""
        ...

    def put_verdicts(
        self, key: str, rules_hash: str, verdicts: tuple[Verdict, ...], ttl_s: float | None = None
    ) -> None:
        """Keep what the rules said."""
        ...

    def get_decision(self, key: str, *, max_age_s: float | None = None) -> Decision | None:
        """The route taken for the question under `key`."""
        ...

    def put_decision(self, key: str, decision: Decision, ttl_s: float | None = None) -> None:
        """Keep a routing decision."""
        ...


class Entry(NamedTuple):
    """One kept thing, as `cache list` shows it."""

    key: str
    kind: Kind
    label: str
    kept_at: float
    expires_at: float | None
    size: int
    value: Json


class Answers:
    """A Store over a shelf, which is opened on first use. Safe from several threads where its shelf is."""

    def __init__(
        self, open_shelf: Callable[[], Shelf], warn: Callable[[str], None], now: Callable[[], float] = time.time
    ) -> None:
        self._open = open_shelf
        self._warn = warn
        self._now = now
        self._shelf: Shelf | None = None
        self._is_off = False
        self._has_warned = False

    def get_completion(self, key: str, *, max_age_s: float | None = None) -> Completion | None:
        """The answer kept under a request's key, not older than `max_age_s`."""
        record = self._get(f"answer:{key}", max_age_s)
        kept = None if record is None else codec.to_completion(record.value)
        return None if record is None or kept is None else replace(kept, kept_at=record.kept_at)

    def put_completion(self, key: str, completion: Completion, ttl_s: float | None = None, label: str = "") -> None:
        """Keep an answer; `label` names its model for people."""
        self._put(f"answer:{key}", "answer", codec.from_completion(completion), ttl_s, label)

    def get_verdicts(self, key: str, rules_hash: str) -> tuple[Verdict, ...] | None:
        """What these rules said of the answer under `key`."""
        record = self._get(f"verdicts:{key}:{rules_hash}", None)
        return None if record is None else codec.to_verdicts(record.value)

    def put_verdicts(
        self, key: str, rules_hash: str, verdicts: tuple[Verdict, ...], ttl_s: float | None = None
    ) -> None:
        """Keep what the rules said."""
        self._put(f"verdicts:{key}:{rules_hash}", "verdicts", codec.from_verdicts(verdicts), ttl_s, "")

    def get_decision(self, key: str, *, max_age_s: float | None = None) -> Decision | None:
        """The route taken for the question under `key`."""
        record = self._get(f"decision:{key}", max_age_s)
        return None if record is None else codec.to_decision(record.value)

    def put_decision(self, key: str, decision: Decision, ttl_s: float | None = None) -> None:
        """Keep a routing decision."""
        self._put(f"decision:{key}", "decision", codec.from_decision(decision), ttl_s, decision.route)

    def entries(self) -> Iterator[Entry]:
        """Everything that is kept and not expired, by key."""
        none: list[tuple[str, bytes]] = []
        for name, data in self._try(_everything, none):
            record = codec.unpack(name, data)
            if record is not None and not self._is_over(record, None):
                key = name.split(":")[1]
                yield Entry(key, record.kind, record.label, record.kept_at, record.expires_at, len(data), record.value)

    def bytes_used(self) -> int:
        """Room taken on disk."""
        return self._try(lambda shelf: shelf.bytes_used(), 0)

    def prune(self) -> int:
        """Drop what has expired or is over the size cap; return how many."""
        return self._try(lambda shelf: shelf.prune(), 0)

    def forget(self, key: str) -> int:
        """Drop the answer under a key, and what rules said of it; return how many answers that were."""

        def drop(shelf: Shelf) -> int:
            for name in [name for name in shelf.names() if name.startswith(f"verdicts:{key}:")]:
                shelf.delete(name)
            return int(shelf.delete(f"answer:{key}"))

        return self._try(drop, 0)

    def clear(self) -> int:
        """Drop everything; return how many."""
        return self._try(lambda shelf: shelf.clear(), 0)

    def close(self) -> None:
        """Let go of files; the next use opens them again."""
        if self._shelf is not None:
            self._shelf.close()
            self._shelf = None

    def _get(self, name: str, max_age_s: float | None) -> Record | None:
        data = self._try(lambda shelf: shelf.get(name), None)
        record = codec.unpack(name, data) if data is not None else None
        return None if record is None or self._is_over(record, max_age_s) else record

    def _put(self, name: str, kind: Kind, value: Json, ttl_s: float | None, label: str) -> None:
        now = self._now()
        try:
            data = codec.pack(name, Record(kind, label, now, None if ttl_s is None else now + ttl_s, value))
        except ValueError:
            return  # a NaN confidence is the only such value, and a value that JSON cannot say is not worth a warning
        self._try(lambda shelf: shelf.put(name, data, ttl_s), None)

    def _is_over(self, record: Record, max_age_s: float | None) -> bool:
        """Whether its time is over, by its own expiry or by what the reader thinks fresh enough."""
        now = self._now()
        if record.expires_at is not None and now >= record.expires_at:
            return True
        return max_age_s is not None and now >= record.kept_at + max_age_s

    def _try(self, use: Callable[[Shelf], T], otherwise: T) -> T:
        """Use the shelf; where it fails, warn once and go on without it."""
        if self._is_off:
            return otherwise
        try:
            if self._shelf is None:
                self._shelf = self._open()
            return use(self._shelf)
        except ShelfFailed as failure:
            self._is_off = self._shelf is None
            if not self._has_warned:
                self._has_warned = True
                self._warn(failure.told)
            return otherwise


def _everything(shelf: Shelf) -> list[tuple[str, bytes]]:
    found = ((name, shelf.get(name)) for name in shelf.names())
    return [(name, data) for name, data in found if data is not None]
