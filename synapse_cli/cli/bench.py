"""`synapse bench`: models, routes, cascades and profiles side by side. stdout is the result and nothing else."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from types import FrameType

from synapse_cli.cli.bench_asking import Wanted, wanted
from synapse_cli.cli.bench_flags import BenchFlags
from synapse_cli.cli.flags import takes_flags
from synapse_cli.core.errors import BudgetSpent, Exit, Interrupted, SynapseError, ThresholdMissed, UsageError
from synapse_cli.core.run import Run
from synapse_cli.lab.bench import journal, saved
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.course import Course, Plan, Result, Watch
from synapse_cli.report.bench import Told
from synapse_cli.report.bench_live import Progress, shown
from synapse_cli.report.problem import say, warn


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
        return _foretell(asked.plan)
    kept, before = _journal(flags, asked.plan)
    told, result = _made(flags, asked, kept, before)
    _print(flags, asked, told)
    _save(flags, asked.plan, result, told)
    _draw(flags, told)
    if result.end == "finished" and result.error is None:
        kept.finish()
    _raise_how_it_ended(flags, asked.plan, told, result)
    return 0


def _foretell(plan: Plan) -> int:
    """`--dry-run`: one line a candidate."""
    from synapse_cli.cli.listing import print_table
    from synapse_cli.lab.bench.foretold import foretell
    from synapse_cli.report.numbers import dollars

    header = ("candidate", "calls", "at most")
    print_table(header, [(each.label, str(each.calls), dollars(each.at_most)) for each in foretell(plan)], "")
    return 0


def _made(flags: BenchFlags, asked: Wanted, kept: journal.Journal, before: Sequence[Call]) -> tuple[Told, Result]:
    """Run it, and sum it up."""
    from synapse_cli.core.clock import SystemClock
    from synapse_cli.lab.bench.memory import Memory, hosts, loaded
    from synapse_cli.lab.bench.telling import tell

    plan = asked.plan
    warm = loaded(os.environ)
    began = time.monotonic()
    at_terminal = sys.stderr.isatty() and not (flags.quiet or flags.verbose)
    progress = Progress([c.label for c in plan.candidates], len(plan.items) * plan.repeats, verbose=flags.verbose)
    for call in before:
        _hear(progress, call, before=True)

    def hear(call: Call) -> None:
        if flags.save or not flags.no_log:
            kept.append(call)
        _hear(progress, call)

    live = shown(progress, at_terminal=at_terminal, has_colour=not flags.no_color)
    with _recording(flags, plan) as record, live:
        course = Course(plan, SystemClock(), Memory(lambda: hosts(os.environ)), Watch(call=hear, run=record))
        with _interruptible(course):
            result = course.run(before)
    told = tell(
        plan,
        result,
        wanted=asked.thresholds,
        before=asked.before,
        machine=_machine(),
        elapsed_s=time.monotonic() - began,
        loaded=loaded(os.environ),
        notes=(*asked.notes, *_warm_already(plan, warm)),
    )
    kept.close()
    for message in () if flags.quiet else result.warnings:
        warn(message)
    return told, result


def _warm_already(plan: Plan, loaded_before: Mapping[str, int]) -> list[str]:
    """A model that a host had loaded has no cold call to show."""
    names = {name for each in plan.candidates for name in each.models()} & set(loaded_before)
    return [f"{name} was loaded before: its cold call is not cold (synapse hosts stop)" for name in sorted(names)]


def _hear(progress: Progress, call: Call, *, before: bool = False) -> None:
    progress.hear(call.candidate, call.total_s, error=call.error, cost=call.cost, counts=call.counts, before=before)


def _journal(flags: BenchFlags, plan: Plan) -> tuple[journal.Journal, tuple[Call, ...]]:
    """Where finished calls are kept, and those that are there already, where they are to be gone on with."""
    from synapse_cli.profile.paths import state_dir

    beside = f"{flags.save}.journal" if flags.save else None
    path = beside or os.path.join(state_dir(), "bench", f"{plan.fingerprint}.jsonl")
    unfinished = journal.read(path)
    if unfinished is None or not unfinished.calls:
        if flags.resume and not flags.quiet:
            warn("there is no unfinished bench of this command; it begins anew")
        return journal.Journal(path, plan.fingerprint, keeps_text=_keeps_text(flags, plan)), ()
    if unfinished.plan != plan.fingerprint:
        hint = f"finish that one with its own command line, or remove {path}"
        raise UsageError(f"{path} holds an unfinished bench of other prompts, candidates or settings", hint)
    if not (flags.resume or beside):
        os.unlink(path)
        return journal.Journal(path, plan.fingerprint, keeps_text=_keeps_text(flags, plan)), ()
    done = unfinished.calls
    if not flags.quiet:
        say(f"synapse: going on: {sum(call.counts for call in done)} of {plan.size} calls were made before")
    return journal.Journal(path, plan.fingerprint, keeps_text=_keeps_text(flags, plan)), done


def _keeps_text(flags: BenchFlags, plan: Plan) -> bool:
    """Whether prompts and answers may be written down: where no profile of the bench forbids it to the ledger."""
    return not flags.no_text and all(each.profile.ledger.text for each in plan.candidates)


@contextmanager
def _recording(flags: BenchFlags, plan: Plan) -> Iterator[Callable[[Run], None]]:
    """Write each run into the ledger, as a bench's: its money was spent, and it saved nobody anything."""
    if flags.no_log:
        yield lambda _: None
        return
    from synapse_cli.ledger.book import Book
    from synapse_cli.profile.paths import state_dir

    settings = [each.profile.ledger for each in plan.candidates]
    book = Book(state_dir(), next((each for each in settings if not each.text), settings[0]), warn=warn)
    try:
        yield lambda run: book.record(replace(run, saved=Decimal(0)), "bench", is_last=False)
    finally:
        book.close()


def _save(flags: BenchFlags, plan: Plan, result: Result, told: Told) -> None:
    if flags.save is None:
        return
    from synapse_cli.cli.output import write_file

    text = saved.text(plan, result, told, machine=_machine(), keeps_text=_keeps_text(flags, plan))
    write_file(flags.save, text)


def _machine() -> str:
    """Enough to see that a bench was made elsewhere."""
    import platform

    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, {platform.node()}"


def _print(flags: BenchFlags, asked: Wanted, told: Told) -> None:
    import json

    from synapse_cli.cli.output import write
    from synapse_cli.report import bench, bench_table

    match asked.format:
        case "json":
            write(json.dumps(bench.as_json(told), ensure_ascii=False) + "\n")
        case "jsonl":
            for figures in told.figures:
                write(json.dumps(bench.candidate_json(figures), ensure_ascii=False) + "\n")
        case "csv":
            write(bench_table.csv(told))
        case "markdown":
            write(bench_table.markdown(told))
        case _:
            write("\n".join(_table(flags, told)) + "\n")


def _table(flags: BenchFlags, told: Told) -> list[str]:
    """The table, and bars below it: at a terminal, or where they are asked for."""
    import shutil

    from synapse_cli.report.bench_bars import bars
    from synapse_cli.report.bench_table import lines

    at_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns
    wants_bars = at_terminal if flags.bars is None else flags.bars
    return [*lines(told, width if at_terminal else None), *(bars(told, width) if wants_bars else [])]


def _draw(flags: BenchFlags, told: Told) -> None:
    """Write the picture. Nothing that Synapse needs can draw a PNG: it gets the ending .svg then, and that is said."""
    if flags.plot is None:
        return
    from synapse_cli.cli.output import write_file
    from synapse_cli.report.bench_table import how
    from synapse_cli.report.plot import chart
    from synapse_cli.report.plot_svg import svg

    path = flags.plot
    if not path.lower().endswith(".svg"):
        path = f"{os.path.splitext(path)[0]}.svg"
        if not flags.quiet:
            warn(f"pictures are drawn as SVG: it is {path}, which any browser prints as another kind")
    drawn = chart(told.figures)
    title = "Time, quality and money" if drawn.upwards == "quality" else "Time and money"
    write_file(path, svg(drawn, title, how(told)))


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


@contextmanager
def _interruptible(course: Course) -> Iterator[None]:
    """Let Ctrl-C end the calls in flight and keep what is done; a second one ends at once."""

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        if course.stopped:
            raise KeyboardInterrupt
        course.stop()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
