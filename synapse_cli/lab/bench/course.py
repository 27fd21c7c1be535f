"""Run a bench: make the calls in their order, keep each, stop at its limits and at Ctrl-C."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from synapse_cli.core.clock import Clock
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Interrupted, SynapseError
from synapse_cli.core.run import Run
from synapse_cli.flows.ask import Ask
from synapse_cli.lab.bench import grade
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.candidate import Candidate
from synapse_cli.lab.bench.item import Item
from synapse_cli.lab.bench.judged import judged
from synapse_cli.lab.bench.measure import Measured, measure
from synapse_cli.lab.bench.memory import Memory
from synapse_cli.lab.bench.schedule import Slot, slots, warm_ups

End = Literal["finished", "money", "time", "interrupted"]
_OPEN_END = threading.TIMEOUT_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a bench is: the same plan is the same calls in the same order."""

    candidates: tuple[Candidate, ...]
    items: tuple[Item, ...]
    base: Ask
    """What the flags say of every call."""
    grade: grade.Grade | None = None
    repeats: int = 1
    warm_up: int = 1
    concurrency: int = 1
    seed: int = 0
    max_cost: Decimal | None = None
    max_time_s: float | None = None

    @property
    def fingerprint(self) -> str:
        """What makes two plans one, so that the calls of one may finish the other; limits and speed do not count."""
        base = self.base
        said = {
            "candidates": [[c.label, c.kind, c.name, c.profile.hash] for c in self.candidates],
            "items": [[item.key, item.expected, str(item.grade)] for item in self.items],
            "grade": str(self.grade),
            "repeats": self.repeats,
            "seed": self.seed,
            "base": [base.system, dict(base.params), base.schema, list(base.choices), base.grammar, base.timeout_s],
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:16]

    @property
    def size(self) -> int:
        """Calls in all, warm-ups aside."""
        return len(self.candidates) * len(self.items) * self.repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is told: of each call (for the journal and the eye), and of each run (for the ledger)."""

    call: Callable[[Call], None]
    run: Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Result:
    """Every call that was made, and how the bench ended."""

    calls: tuple[Call, ...]
    end: End
    warnings: tuple[str, ...] = ()
    error: SynapseError | None = None
    """What ended it before its time: a journal that cannot be written, a rule that cannot be applied."""


class Course:
    """One bench on its way. `stop` is safe from a signal handler."""

    def __init__(self, plan: Plan, clock: Clock, memory: Memory, watch: Watch) -> None:
        self.plan = plan
        self._clock = clock
        self._memory = memory
        self._watch = watch
        self._lock = threading.Lock()
        self._controls: set[Control] = set()
        self._grading = Control()
        self._calls: list[Call] = []
        self._spent = Decimal(0)
        self._promised: list[Decimal] = []
        self._warm: set[str] = set()
        self._warnings: dict[str, None] = {}
        self._end: End | None = None
        self._fault: BaseException | None = None
        self._until = None if plan.max_time_s is None else clock.monotonic() + plan.max_time_s

    def run(self, before: Sequence[Call] = ()) -> Result:
        """Make the calls that were not made `before`. What was spent then counts against the limit."""
        plan = self.plan
        self._calls = list(before)
        self._spent = sum((each or Decimal(0) for call in before for each in (call.cost, call.judge_cost)), Decimal(0))
        made = {(call.candidate, call.item, call.repeat) for call in before}
        left = [slot for slot in slots(plan.candidates, plan.items, plan.repeats, plan.seed) if _key(slot) not in made]
        needed = {slot.candidate.label for slot in left}
        warm = [slot for slot in warm_ups(plan.candidates, plan.items, plan.warm_up) if slot.candidate.label in needed]
        self._make(warm, workers=1)
        self._make(left, workers=plan.concurrency)
        error = self._fault if isinstance(self._fault, SynapseError) else None
        return Result(tuple(self._calls), self._end or "finished", tuple(self._warnings), error)

    def stop(self) -> None:
        """Begin no other call, and end those in flight."""
        self._end = self._end or "interrupted"
        for control in (self._grading, *tuple(self._controls)):
            control.stop()

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._end == "interrupted"

    def _make(self, wanted: Iterable[Slot], *, workers: int) -> None:
        waiting = iter(wanted)
        if workers == 1:
            self._work(waiting)
        else:
            self._work_in_threads(waiting, workers)
        if self._fault is not None and not isinstance(self._fault, SynapseError):
            raise self._fault

    def _work_in_threads(self, waiting: Iterator[Slot], workers: int) -> None:
        threads = [threading.Thread(target=self._work, args=(waiting,), daemon=True) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_OPEN_END)  # with a timeout, so that Ctrl-C is heard also where a lock cannot be interrupted

    def _work(self, waiting: Iterator[Slot]) -> None:
        try:
            while (slot := self._next(waiting)) is not None:
                ask = self._ask(slot.item)
                self._take(slot, ask, self._asked(slot, ask))
        except BaseException as error:  # noqa: BLE001  # raised again, or told, by the thread that waits for all
            self._fault = self._fault or error
            self._end = self._end or "interrupted"

    def _next(self, waiting: Iterator[Slot]) -> Slot | None:
        with self._lock:
            if self._end is None and self._until is not None and self._clock.monotonic() >= self._until:
                self._end = "time"
            if self._end is not None:
                return None
            return next(waiting, None)

    def _asked(self, slot: Slot, ask: Ask) -> Measured:
        held: list[Control] = []

        def hold(control: Control) -> None:
            held.append(control)
            self._controls.add(control)
            if self.stopped:
                control.stop()

        try:
            return measure(slot, ask, self._clock, self._memory, hold, cold=slot.candidate.label not in self._warm)
        finally:
            self._controls.difference_update(held)

    def _ask(self, item: Item) -> Ask:
        """Promise each call an equal share of what is left: calls at the same time cannot exceed it together."""
        plan, ask = self.plan, item.ask(self.plan.base)
        if plan.max_cost is None:
            return ask
        with self._lock:
            left = max(Decimal(0), plan.max_cost - self._spent - sum(self._promised))
            share = left / max(1, plan.concurrency - len(self._promised))
            self._promised.append(share)
        return replace(ask, max_cost=share)

    def _take(self, slot: Slot, ask: Ask, measured: Measured) -> None:
        if measured.run is not None:
            self._watch.run(measured.run)
        is_figure = not (measured.limited or measured.interrupted)
        call = self._graded(slot, ask, measured.call) if is_figure else None
        with self._lock:
            if ask.max_cost is not None:
                self._promised.remove(ask.max_cost)
            self._spent += measured.spent
            self._warnings |= dict.fromkeys(measured.warnings)
            if measured.limited:
                self._end = self._end or "money"
            if measured.call.answered:
                self._warm.add(slot.candidate.label)
            if call is not None:
                self._calls.append(call)
                self._watch.call(call)

    def _graded(self, slot: Slot, ask: Ask, call: Call) -> Call | None:
        """The call with its score; no answer is a wrong one. None where Ctrl-C ended the grading."""
        plan, item = self.plan, slot.item
        question = item.question(plan.base)
        rule = item.grade or plan.grade or grade.implied(question)
        if rule is None or not call.counts or grade.lacks(rule, question):
            return call
        if call.answer is None:
            return replace(call, score=0.0)
        try:
            if rule.kind == "judge":
                return self._judged(rule, slot, ask, call)
            return replace(call, score=grade.score(rule, question, call.answer, self._grading))
        except Interrupted:
            return None

    def _judged(self, rule: grade.Grade, slot: Slot, ask: Ask, call: Call) -> Call | None:
        """The call with a judge's score, within what is left of its money; None where that is too little."""
        left = None if ask.max_cost is None else max(Decimal(0), ask.max_cost - (call.cost or Decimal(0)))
        held: list[Control] = []

        def hold(control: Control) -> None:
            held.append(control)
            self._controls.add(control)
            if self.stopped:
                control.stop()

        try:
            opinion = judged(rule, slot, replace(self.plan.base, max_cost=left), call, clock=self._clock, hold=hold)
        finally:
            self._controls.difference_update(held)
        if opinion.run is not None:
            self._watch.run(opinion.run)
        with self._lock:
            self._spent += opinion.spent
            if opinion.limited:
                self._end = self._end or "money"
            elif opinion.why:
                self._warnings[opinion.why if opinion.score is not None else f"not judged: {opinion.why}"] = None
        return None if opinion.limited else replace(call, score=opinion.score, judge_cost=opinion.spent)


def _key(slot: Slot) -> tuple[str, str, int]:
    return slot.candidate.label, slot.item.key, slot.repeat
