"""What does a bench cost beside the calls it measures, and are its figures those of a stopwatch?

    python -m tests.bench.bench_overhead [CALLS]

Overhead: CPU of a bench with grading, journal, ledger and progress, less the CPU of the same sessions and steps without
it, over its calls; at most 1 ms. Figures: its median against the median of a stopwatch inside the model, for a scripted
model that takes 50 ms; within 2 %.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from synapse_cli.backends.scripted import Scripted
from synapse_cli.core.clock import SystemClock
from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.ports import Backend, Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.run import Run
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.session import Session
from synapse_cli.flows.step import step
from synapse_cli.lab.bench import journal
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.candidate import Candidate
from synapse_cli.lab.bench.course import Course, Plan, Watch
from synapse_cli.lab.bench.figures import figures
from synapse_cli.lab.bench.grade import Grade
from synapse_cli.lab.bench.item import Item
from synapse_cli.lab.bench.memory import Memory, hosts
from synapse_cli.ledger.book import Book
from synapse_cli.profile.model import Profile
from synapse_cli.report.bench_live import Progress
from tests.lab_bench.drawn import profile_of

MOST_CPU_S = 0.001
MOST_OFF = 0.02
FAST = """schema = 1
[models]
a = { backend = "scripted", replies = [{ text = "an answer" }] }
slow = { backend = "scripted", replies = [{ text = "an answer", latency_s = 0.05 }] }
[routes.default]
use = "a"
"""


@dataclass
class Timed:
    """A Backend with a stopwatch around another one."""

    inner: Backend
    taken: list[float] = field(default_factory=list)

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        began = time.monotonic()
        try:
            return self.inner.complete(request, control, emit)
        finally:
            self.taken.append(time.monotonic() - began)

    def facts(self) -> Facts:
        return self.inner.facts()

    def count(self, messages: Sequence[Message]) -> Count:
        return self.inner.count(messages)


def overhead_s(calls: int, folder: Path, rounds: int = 5) -> float:
    """CPU seconds a call that the bench itself takes: the median of rounds in which both ways take turns."""
    profile = profile_of(folder, FAST)
    candidate = Candidate(label="a", kind="model", name="a", profile=profile)
    found = []
    for number in range(rounds):
        bare = _cpu(lambda: _bare(candidate, calls))
        whole = _cpu(lambda place=number: _benched(candidate, calls, folder / f"round-{place}"))  # type: ignore[misc]
        found.append((whole - bare) / calls)
    return statistics.median(found)


def off_by(calls: int, folder: Path) -> float:
    """How far the bench's median is from the stopwatch's, as a share."""
    profile: Profile = profile_of(folder, FAST)
    timed = Timed(Scripted(profile.models["slow"]))
    candidate = Candidate(label="slow", kind="model", name="slow", profile=profile, backends={"slow": timed})
    course = Course(_plan(candidate, calls), SystemClock(), Memory(tuple), Watch(call=_nothing, run=_nothing))
    found = figures("slow", "model", course.run().calls, seed=0).total_s
    assert found is not None
    return found.estimate / statistics.median(timed.taken[1:]) - 1


def _cpu(work: object) -> float:
    before = time.process_time()
    work()  # type: ignore[operator]  # a function of nothing
    return time.process_time() - before


def _plan(candidate: Candidate, calls: int) -> Plan:
    items = tuple(Item(prompt=f"prompt {at}", expected="an answer", grade=Grade("exact")) for at in range(calls))
    return Plan(candidates=(candidate,), items=items, base=_base(), warm_up=1)


def _base() -> Ask:
    return Ask(prompt="", cache="off", log=False)


def _bare(candidate: Candidate, calls: int) -> None:
    for item in _plan(candidate, calls + 1).items:
        ask = candidate.wants(item.ask(_base()))
        step(Session(candidate.profile, ask, Witness(), warm=candidate.backends), _nothing, _nothing)


def _benched(candidate: Candidate, calls: int, folder: Path) -> None:
    plan = _plan(candidate, calls)
    kept = journal.Journal(str(folder / "journal.jsonl"), plan.fingerprint)
    book = Book(folder, candidate.profile.ledger, warn=_nothing)
    progress = Progress(["a"], calls, verbose=False)

    def hear(call: Call) -> None:
        kept.append(call)
        progress.hear("a", call.total_s, error=call.error, cost=call.cost, counts=call.counts)

    def record(run: Run) -> None:
        book.record(replace(run, saved=Decimal(0)), "bench", is_last=False)

    Course(plan, SystemClock(), Memory(lambda: hosts(os.environ)), Watch(call=hear, run=record)).run()
    kept.close()
    book.close()


def _nothing(_: object) -> None:
    pass


def main(calls: int) -> int:
    """Print both figures; return 1 where a bound is missed."""
    with tempfile.TemporaryDirectory() as folder:
        cost_s = overhead_s(calls, Path(folder))
        off = off_by(max(20, calls // 10), Path(folder))
    print(f"overhead: {cost_s * 1e6:.0f} us of CPU a call, at most {MOST_CPU_S * 1e6:.0f}")  # noqa: T201
    print(f"median against a stopwatch: {off:+.2%}, at most {MOST_OFF:.0%} off")  # noqa: T201
    return 1 if cost_s > MOST_CPU_S or abs(off) > MOST_OFF else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
