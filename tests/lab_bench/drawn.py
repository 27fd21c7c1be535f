"""Models whose latencies are drawn from seeded distributions, on a clock that moves only when they take their time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from synapse_cli.core.clock import FixedClock
from synapse_cli.core.completion import FREE, Completion, Count, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.ports import Backend, Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.candidate import Candidate
from synapse_cli.lab.bench.course import Course, Plan, Result, Watch
from synapse_cli.lab.bench.item import Item
from synapse_cli.lab.bench.memory import Memory
from synapse_cli.profile.load import load
from synapse_cli.profile.model import Profile

TWO = """schema = 1
[models]
a = { backend = "scripted", replies = [{ text = "an answer" }] }
b = { backend = "scripted", replies = [{ text = "an answer" }] }
[routes.default]
use = "a"
"""
QUIET = Watch(call=lambda _: None, run=lambda _: None)


@dataclass
class Drawn:
    """A Backend that takes `draw()` seconds of the clock, the first half of it before its first token."""

    clock: FixedClock
    draw: Callable[[], float]
    text: str = "an answer"
    cost: Decimal | None = Decimal(0)
    asked: list[str] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        whole = self.draw()
        self.asked.append(request.messages[-1].content)
        self.taken.append(whole)
        self.controls.append(control)
        self.clock.at += whole / 2
        if emit is not None:
            emit(self.text)
        self.clock.at += whole / 2
        return Completion(
            text=self.text,
            finish="stop",
            usage=Usage(10, 5),
            cost=self.cost,
            latency_s=whole,
            first_latency_s=whole / 2,
        )

    def facts(self) -> Facts:
        return Facts(is_local=True, provider="scripted", price=FREE)

    def count(self, messages: Sequence[Message]) -> Count:
        return Count(10, estimated=False)


def lognormal(median: float, sigma: float, seed: int) -> Callable[[], float]:
    """Latencies as they are seen of hosted models: skewed, and never below zero."""
    source = random.Random(seed)
    return lambda: median * source.lognormvariate(0.0, sigma)


def profile_of(folder: Path, text: str = TWO) -> Profile:
    path = folder / "profile.toml"
    path.write_text(text, encoding="utf-8")
    return load(str(path), cwd=str(folder), env={"HOME": str(folder)}, witness=Witness(), use_compiled=False)


def of_models(profile: Profile, backends: dict[str, Backend]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(label=name, kind="model", name=name, profile=profile, backends=backends) for name in backends
    )


def plan_of(candidates: tuple[Candidate, ...], prompts: int, **more: object) -> Plan:
    items = tuple(Item(prompt=f"prompt {number}") for number in range(prompts))
    return Plan(candidates=candidates, items=items, base=Ask(prompt="", cache="off", log=False), **more)  # type: ignore[arg-type]


def run(plan: Plan, clock: FixedClock, before: Sequence[Call] = ()) -> Result:
    return Course(plan, clock, Memory(tuple), QUIET).run(before)
