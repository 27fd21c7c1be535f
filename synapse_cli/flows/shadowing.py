"""Compare what waits in the queue with a dearer tier, within limits of money and number.

Each comparison is a run of its own, with the budgets, keys, limits and record of any other.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from synapse_cli.core.clock import Clock
from synapse_cli.core.errors import (
    BadRequest,
    BudgetSpent,
    Interrupted,
    NotAllowed,
    Refused,
    SynapseError,
    Unsuited,
    UsageError,
)
from synapse_cli.core.outcome import Decision, Outcome
from synapse_cli.core.run import Run
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.calls import Warm
from synapse_cli.flows.session import Session
from synapse_cli.flows.shadow import compare
from synapse_cli.ledger.rows import Begun
from synapse_cli.ledger.shadowing import Queue, Result
from synapse_cli.profile.model import Profile

End = Literal["finished", "money", "interrupted", "failed"]

_PATIENCE = 3
"""Failures after each other of what may work later: then a provider is down, and the rest waits."""
_FOR_EVER = (NotAllowed, Unsuited, BadRequest, UsageError)
"""Failures that would come again."""
_JOIN_S = 86_400.0


@dataclass(slots=True)
class Progress:
    """How far it is."""

    results: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    left: int = 0
    """Of those that were to be compared now."""
    spent: Decimal = Decimal(0)
    """Dollars; where a provider did not tell, at most."""
    end: End = "finished"
    error: SynapseError | None = None

    @property
    def compared(self) -> int:
        """How many comparisons came to a result."""
        return sum(self.results.values())


class Course:
    """Compares what waits, in a few threads. `stop` ends it; what was under way waits for the next time."""

    def __init__(
        self,
        profile: Profile,
        queue: Queue,
        clock: Clock,
        *,
        max_cost: Decimal,
        limit: int | None,
        jobs: int,
        hear: Callable[[Progress], None],
    ) -> None:
        self._profile = profile
        self._queue = queue
        self._clock = clock
        self._max_cost = max_cost
        self._limit = limit
        self._jobs = jobs
        self._hear = hear
        self._lock = threading.Lock()
        self._warm: Warm = {}
        self._sessions: set[Session] = set()
        self._promised: list[Decimal] = []
        self._in_a_row = 0
        self._fault: BaseException | None = None
        self.progress = Progress()

    def run(self) -> Progress:
        """Compare until nothing waits, or a limit is reached. A bug is raised, after all have ended."""
        waiting = self._queue.waiting()[: self._limit]
        self.progress.left = len(waiting)
        line = iter(waiting)
        threads = [threading.Thread(target=self._work, args=(line,), daemon=True) for _ in range(self._jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_JOIN_S)
        if self._fault is not None:
            raise self._fault
        return self.progress

    def stop(self) -> None:
        """Begin no other, and end those under way."""
        self.progress.end = "interrupted"
        for session in tuple(self._sessions):
            session.control.stop()

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self.progress.end == "interrupted"

    def _work(self, line: Iterator[str]) -> None:
        try:
            while (taken := self._next(line)) is not None:
                self._one(*taken)
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits for all
            self._fault = self._fault or error
            self._end("failed")

    def _next(self, line: Iterator[str]) -> tuple[str, Decimal] | None:
        """The next entry, and its share of what is left: those at the same time cannot exceed it together."""
        with self._lock:
            left = self._max_cost - self.progress.spent - sum(self._promised)
            if self.progress.end == "finished" and left <= 0 < self.progress.left:
                self.progress.end = "money"
            run = next(line, None) if self.progress.end == "finished" else None
            if run is None:
                return None
            share = left / max(1, self._jobs - len(self._promised))
            self._promised.append(share)
            return run, share

    def _one(self, run: str, share: Decimal) -> None:
        tenant, prompt = self._queue.peek(run)
        result: Result | None = None
        finished: Run | None = None
        session: Session | None = None
        error: SynapseError | None = None
        try:
            ask = Ask(prompt=prompt, tenant=tenant, max_cost=share)
            session = Session(self._profile, ask, Witness(), clock=self._clock, warm=self._warm)
            self._sessions.add(session)
            if self.stopped:
                session.control.stop()
            entry = self._queue.take(run, session.run_id, session.started)
            if entry is not None:
                _begin(session)
                try:
                    result, finished = compare(session, entry, self._queue)
                    self._queue.done(run, result, self._clock.now())
                except SynapseError as failure:
                    finished = _ended(session, failure)
                    raise
        except SynapseError as failure:
            error = failure
            self._queue.failed(run, failure.message, again=not isinstance(failure, _FOR_EVER))
        finally:
            if session is not None:
                self._sessions.discard(session)
        self._took(share, _spent(session, finished), result, error)

    def _took(self, share: Decimal, spent: Decimal, result: Result | None, error: SynapseError | None) -> None:
        with self._lock:
            told = self.progress
            self._promised.remove(share)
            told.spent += spent
            told.left -= 1
            if result is not None:
                told.results[result] += 1
            if error is not None:
                told.left += int(not isinstance(error, _FOR_EVER))
                told.failed += int(isinstance(error, _FOR_EVER))
            self._in_a_row = 0 if error is None else self._in_a_row + 1
            self._judge(error)
            self._hear(told)

    def _judge(self, error: SynapseError | None) -> None:
        """Whether a failure ends it all."""
        if error is None or isinstance(error, _FOR_EVER):
            return
        if isinstance(error, Interrupted):
            self._end("interrupted")
        elif isinstance(error, BudgetSpent):
            self._end("money", error)
        elif isinstance(error, Refused) or self._in_a_row >= _PATIENCE:
            self._end("failed", error)

    def _end(self, end: End, error: SynapseError | None = None) -> None:
        if self.progress.end == "finished":
            self.progress.end, self.progress.error = end, error


def _begin(session: Session) -> None:
    """Open the record of a comparison, so that one that is killed is still seen."""
    if session.book is not None:
        ask = session.ask
        session.book.begin(
            Begun(
                run_id=session.run_id,
                started=session.started,
                command="shadow",
                tenant=ask.tenant,
                prompt=ask.prompt,
            )
        )


def _ended(session: Session, error: SynapseError) -> Run:
    """Write down a comparison that came to nothing: its calls count."""
    decision = Decision("-", "looked at again, and not compared", "default")
    return session.record(decision, Outcome(attempts=(), best=None, error=error), command="shadow")


def _spent(session: Session | None, run: Run | None) -> Decimal:
    """Dollars of a comparison; where nobody knows, the upper bound that was reserved for it."""
    if session is None:
        return Decimal(0)
    cost = None if run is None or run.outcome.error is not None else run.cost
    return session.meter.gone.dollars if cost is None else cost
