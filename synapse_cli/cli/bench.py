"""`synapse bench`: models, routes, cascades and profiles side by side. stdout is the result and nothing else."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence

from synapse_cli.cli.bench_asking import Wanted, wanted
from synapse_cli.cli.bench_flags import BenchFlags
from synapse_cli.cli.bench_keeping import keeper, machine, open_journal, recording, save
from synapse_cli.cli.bench_output import draw, show, show_foretold
from synapse_cli.cli.flags import takes_flags
from synapse_cli.cli.interruptible import interruptible
from synapse_cli.core.errors import BudgetSpent, Exit, Interrupted, SynapseError, ThresholdMissed
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.course import Course, Plan, Result, Watch
from synapse_cli.lab.bench.journal import Journal
from synapse_cli.report.bench import Told
from synapse_cli.report.bench_live import Progress, shown
from synapse_cli.report.problem import warn


@takes_flags
def bench(flags: BenchFlags) -> int:
    """Compare models, routes and cascades: time, money, quality.

    Each prompt is asked of every candidate in turn, the way `run` would ask it, without the cache. Times are medians of
    warm calls with 95 % intervals; ratios are of paired calls, against the first candidate. A limit is missed where the
    whole interval lies beyond it. Without prompts a few built-in ones are asked; without candidates, the profile's own
    models and cascades.

    Examples:

      synapse bench

      synapse bench -m nano -m gpt-5-mini --cascade thrifty -f prompts.jsonl

      synapse bench -m nano -m ./qwen.gguf --choices yes,no "Spam?" -f mails.csv

      synapse bench -f rows.csv --against old.json --max-slower 10% --fail-under 0.9
    """
    asked = wanted(flags)
    if flags.dry_run:
        show_foretold(asked.plan)
        return 0
    kept, before = open_journal(flags, asked.plan)
    result, told = _made(flags, asked, kept, before)
    unsaved = _saved(flags, asked.plan, result, told, kept)
    show(flags, asked.format, told)
    if unsaved is not None:
        raise unsaved
    _raise_how_it_ended(flags, asked.plan, told, result)
    return 0


def _made(flags: BenchFlags, asked: Wanted, kept: Journal, before: Sequence[Call]) -> tuple[Result, Told]:
    """Run it, and sum it up."""
    from synapse_cli.flows.wiring import hosts_are_on
    from synapse_cli.lab.bench.memory import loaded
    from synapse_cli.lab.bench.telling import tell

    in_hosts = hosts_are_on() and not flags.no_host
    warm = loaded(os.environ, in_hosts=in_hosts)
    began = time.monotonic()
    result = _run(flags, asked.plan, kept, before)
    for message in () if flags.quiet else result.warnings:
        warn(message)
    told = tell(
        asked.plan,
        result,
        wanted=asked.thresholds,
        before=asked.before,
        machine=machine(),
        elapsed_s=time.monotonic() - began,
        loaded=loaded(os.environ, in_hosts=in_hosts),
        notes=(*asked.notes, *_warm_already(asked.plan, warm)),
    )
    return result, told


def _run(flags: BenchFlags, plan: Plan, kept: Journal, before: Sequence[Call]) -> Result:
    """Make the calls, in sight of whoever looks on; each is kept as soon as it is made."""
    from synapse_cli.core.clock import SystemClock
    from synapse_cli.lab.bench.memory import Memory, hosts

    progress = Progress([c.label for c in plan.candidates], len(plan.items) * plan.repeats, verbose=flags.verbose)
    for call in before:
        _hear(progress, call, before=True)

    keep = keeper(flags, kept)

    at_terminal = sys.stderr.isatty() and not (flags.quiet or flags.verbose)
    live = shown(progress, at_terminal=at_terminal, has_colour=not flags.no_color)
    with recording(flags, plan) as ledger, live:

        def hear(call: Call) -> None:
            keep(call)
            ledger.call(call)
            _hear(progress, call)

        course = Course(plan, SystemClock(), Memory(lambda: hosts(os.environ)), Watch(call=hear, run=ledger.run))
        with interruptible(course):
            return course.run(before)


def _hear(progress: Progress, call: Call, *, before: bool = False) -> None:
    progress.hear(call.candidate, call.total_s, error=call.error, cost=call.cost, counts=call.counts, before=before)


def _warm_already(plan: Plan, loaded_before: Mapping[str, int]) -> list[str]:
    """A model that a host had loaded has no cold call to show."""
    names = {name for each in plan.candidates for name in each.models()} & set(loaded_before)
    return [f"{name} was loaded before: its cold call is not cold (synapse hosts stop)" for name in sorted(names)]


def _saved(flags: BenchFlags, plan: Plan, result: Result, told: Told, kept: Journal) -> SynapseError | None:
    """Save and draw it, and drop its journal where it is whole; what cannot be written is told after the figures."""
    kept.close()
    try:
        save(flags, plan, result, told)
        draw(flags, told)
    except SynapseError as error:
        return error
    if result.end == "finished" and result.error is None:
        kept.finish()
    return None


def _raise_how_it_ended(flags: BenchFlags, plan: Plan, told: Told, result: Result) -> None:
    """Interrupted before a missed limit before an end that came early; what was measured is printed by now."""
    again = "the same command with --save goes on" if flags.save else "the same command with --resume goes on"
    made = f"{sum(call.counts for call in result.calls)} of {plan.size} calls are made"
    if result.end == "interrupted" and result.error is None:
        raise Interrupted(f"interrupted: {made}", again)
    if result.error is not None:
        raise result.error
    missed = [limit for limit in told.limits if limit.state == "missed"]
    if missed:
        said = "; ".join(f"{each.label}: {each.what} {each.found}, wanted {each.wanted}" for each in missed)
        raise ThresholdMissed(said, "--save FILE keeps every call with its answer: look there for what went wrong")
    for limit in told.limits:
        if limit.state == "open" and not flags.quiet:
            warn(
                f"{limit.label}: {limit.what} {limit.found} does not tell whether it is {limit.wanted}: ask more often"
            )
    if result.end in {"money", "time"}:
        raise BudgetSpent(f"the bench is stopped at --max-{'cost' if result.end == 'money' else 'time'}: {made}", again)
    _raise_where_nobody_answered(result.calls)


def _raise_where_nobody_answered(calls: Sequence[Call]) -> None:
    counted = [call for call in calls if call.counts]
    if counted and not any(call.answered for call in counted):
        first = counted[0]
        error = SynapseError(f"no candidate answered: {first.message or first.error}", "try it with synapse run -v")
        error.exit_code = Exit(first.exit_code)
        raise error
