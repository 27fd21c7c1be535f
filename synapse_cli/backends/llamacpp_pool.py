"""Which models are loaded in this process, and which one goes when the next needs its room?

An engine is lent for one answer at a time and to many at once. It is never closed while it is lent. What was used
longest ago goes first; where everything is at work, the one that goes next takes no more work, so that whoever waits
for its room does not wait for ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol, TypeVar, cast

from synapse_cli.backends.gguf import Header, Stamp
from synapse_cli.backends.llamacpp_memory import Need, fit, size
from synapse_cli.backends.machine import available, give_memory_back
from synapse_cli.core.control import Control
from synapse_cli.core.errors import ModelUnusable

_TURN_S = 0.05
"""How often a call that waits for room looks whether it should end."""


class Engine(Protocol):
    """Something that was loaded and can be given back."""

    @property
    def is_open(self) -> bool:
        """Whether it can be asked."""
        ...

    def close(self) -> None:
        """Give the memory back."""
        ...


E = TypeVar("E", bound=Engine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A model that somebody wants to ask."""

    name: str
    key: Hashable
    """Everything that makes one engine differ from another; equal keys share one."""
    header: Header
    stamp: Stamp
    """Of all files that it is made of, when they were read."""
    window: int
    need: Need
    keep_alive_s: float | None = None
    """None keeps it as long as this process lives, 0 unloads it after each answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One loaded model, as a list shows it."""

    name: str
    path: str
    bytes: int
    since_s: float
    """Seconds since it was loaded."""
    idle_s: float | None
    """Seconds since its last answer; None while it answers."""
    answers: int


@dataclass(slots=True, eq=False)
class _Slot:
    """A loaded model, or one that is being loaded: then `engine` is None."""

    wanted: Wanted
    since: float
    used: float
    engine: Engine | None = None
    lent: int = 0
    answers: int = 0
    is_leaving: bool = False
    """Whether it takes no more work, because its room is needed or its file has changed."""

    @property
    def is_free(self) -> bool:
        return self.engine is not None and not self.lent


@cache
def pool() -> Pool:
    """The pool of this process."""
    return Pool()


class Pool:
    """The loaded models of one process, behind one lock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, free: Callable[[], int | None] = available) -> None:
        """`clock` gives seconds, `free` the bytes that the machine has left."""
        self.limit: int | None = None
        """Bytes for all models together, `[hosts] max_memory` of whoever asked last; None is what the machine has."""
        self.loads = 0
        """How many models were loaded, in all."""
        self._clock = clock
        self._free = free
        self._change = threading.Condition()
        self._slots: list[_Slot] = []
        self._queue: list[object] = []
        """Those who wait for room, the first one first."""
        self._reaper: threading.Thread | None = None

    @contextmanager
    def lend(self, wanted: Wanted, load: Callable[[], E], control: Control) -> Iterator[E]:
        """The model's engine for one answer, loaded where it is not yet.

        Waits for room; raises ModelUnusable where there never can be enough, and ends with `control`.
        """
        slot = self._take(wanted, control)
        try:
            if slot.engine is None:
                control.doing("loading the model")
                self._fill(slot, load)
            yield cast("E", slot.engine)  # a slot's key names its loader: equal keys load equal engines
        finally:
            self._give_back(slot)

    def snapshot(self) -> tuple[Loaded, ...]:
        """What is loaded, the latest used first."""
        with self._change:
            now = self._clock()
            slots = sorted((slot for slot in self._slots if slot.engine), key=lambda slot: slot.used, reverse=True)
            return tuple(
                Loaded(
                    name=slot.wanted.name,
                    path=slot.wanted.header.path,
                    bytes=slot.wanted.need.total,
                    since_s=now - slot.since,
                    idle_s=None if slot.lent else now - slot.used,
                    answers=slot.answers,
                )
                for slot in slots
            )

    def close_idle(self) -> float | None:
        """Close what was idle for longer than its `keep_alive`; seconds until the next one is due, None for never."""
        with self._change:
            now, due = self._clock(), []
            for slot in [slot for slot in self._slots if slot.is_free]:
                keep = slot.wanted.keep_alive_s
                if keep is not None and now - slot.used >= keep:
                    self._close(slot)
                elif keep is not None:
                    due.append(slot.used + keep - now)
            return min(due, default=None)

    def close(self) -> None:
        """Close what is idle, and let the rest go as soon as it is."""
        with self._change:
            for slot in list(self._slots):
                self._dismiss(slot)

    # --- below: how, always under the lock but for _fill ---

    def _take(self, wanted: Wanted, control: Control) -> _Slot:
        """A slot that is loaded, or a new one that the caller must fill. Whoever needs room is served in turn."""
        from synapse_cli.backends.llamacpp_seat import raise_if_ended

        me = object()
        with self._change:
            try:
                while True:
                    raise_if_ended(control)
                    self._hold_to_limit(wanted)
                    slot = self._present(wanted)
                    if slot is None and self._is_my_turn(me) and self._make_room(wanted):
                        return self._open_slot(wanted)
                    if slot is not None and slot.engine is not None:
                        slot.wanted = replace(wanted, need=slot.wanted.need)
                        slot.lent += 1
                        return slot
                    control.doing("waiting for memory" if slot is None else "loading the model")
                    self._change.wait(_TURN_S)
            finally:
                if me in self._queue:
                    self._queue.remove(me)

    def _hold_to_limit(self, wanted: Wanted) -> None:
        """Refuse what can never fit, and let idle models go that a limit which was lowered leaves no room for."""
        if self.limit is None:
            return
        if wanted.need.total > self.limit:
            raise _refusal(wanted, self.limit, "[hosts] max_memory is", "raise [hosts] max_memory")
        idle = [slot for slot in self._slots if slot.is_free and slot.wanted.key != wanted.key]
        for slot in sorted(idle, key=lambda slot: slot.used):
            if self._taken() <= self.limit:
                return
            self._close(slot)

    def _is_my_turn(self, me: object) -> bool:
        if me not in self._queue:
            self._queue.append(me)
        return self._queue[0] is me

    def _open_slot(self, wanted: Wanted) -> _Slot:
        now = self._clock()
        slot = _Slot(wanted, since=now, used=now, lent=1)
        self._slots.append(slot)
        return slot

    def _present(self, wanted: Wanted) -> _Slot | None:
        """The slot of this model; one whose file has changed since, or whose engine has ended, is let go."""
        for slot in self._slots:
            if slot.wanted.key == wanted.key and not slot.is_leaving:
                if slot.wanted.stamp == wanted.stamp and (slot.engine is None or slot.engine.is_open):
                    return slot
                self._dismiss(slot)
                break
        return None

    def _make_room(self, wanted: Wanted) -> bool:
        """Close idle models, longest unused first, until the wanted one fits.

        False where the rest is at work: then the one that began longest ago takes no more, and is gone soon.
        """
        need = wanted.need.least if self.limit is None else wanted.need.total
        while (room := self._room()) is not None and need > room:
            oldest = min(
                (slot for slot in self._slots if slot.engine), key=lambda slot: (slot.lent > 0, slot.used), default=None
            )
            if oldest is None and not self._slots:
                raise _refusal(wanted, room, "this machine has", "free some memory")
            if oldest is None:
                return False
            self._dismiss(oldest)
            if oldest.lent:
                return False
        return True

    def _room(self) -> int | None:
        """Bytes that are left for another model; None where nothing tells."""
        if self.limit is not None:
            return self.limit - self._taken()
        free = self._free()
        loading = sum(slot.wanted.need.total for slot in self._slots if slot.engine is None)
        return None if free is None else free - loading

    def _taken(self) -> int:
        return sum(slot.wanted.need.total for slot in self._slots)

    def _fill(self, slot: _Slot, load: Callable[[], Engine]) -> None:
        """Load without the lock: other models go on answering meanwhile."""
        try:
            engine = load()
        except BaseException:
            with self._change:
                slot.is_leaving = True
            raise
        with self._change:
            self.loads += 1
            slot.engine = engine
            slot.since = self._clock()
            self._change.notify_all()

    def _give_back(self, slot: _Slot) -> None:
        with self._change:
            slot.lent -= 1
            slot.answers += 1
            slot.used = self._clock()
            if slot.engine is None:
                self._slots.remove(slot)
            elif not slot.lent and (slot.is_leaving or slot.wanted.keep_alive_s == 0):
                self._close(slot)
            elif slot.wanted.keep_alive_s is not None:
                self._start_reaper()
            self._change.notify_all()

    def _dismiss(self, slot: _Slot) -> None:
        slot.is_leaving = True
        if slot.is_free:
            self._close(slot)

    def _close(self, slot: _Slot) -> None:
        self._slots.remove(slot)
        if slot.engine is not None:
            slot.engine.close()
            give_memory_back()
        self._change.notify_all()

    def _start_reaper(self) -> None:
        """A thread that closes idle models; it ends when none is due any more."""
        if self._reaper is None:
            self._reaper = threading.Thread(target=self._reap, name="idle models", daemon=True)
            self._reaper.start()

    def _reap(self) -> None:
        while True:
            with self._change:
                due = self.close_idle()
                if due is None and not any(slot.wanted.keep_alive_s for slot in self._slots):
                    self._reaper = None
                    return
                self._change.wait(due)


def _refusal(wanted: Wanted, room: int, whose: str, more: str) -> ModelUnusable:
    """Say what it would take, what there is, and what would fit."""
    ways = str(fit(wanted.header, wanted.window, room))
    return ModelUnusable(
        f"{wanted.name} needs {wanted.need} and {whose} {size(room)}", f"{ways}, or {more}" if ways else more
    )
