"""Keep what a bench makes: each call in a journal, each run in the ledger, the whole in a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

from synapse_cli.cli.bench_flags import BenchFlags
from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.lab.bench import journal, saved
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.course import Plan, Result, Watch
from synapse_cli.report.bench import Told
from synapse_cli.report.problem import say, warn


def open_journal(flags: BenchFlags, plan: Plan) -> tuple[journal.Journal, tuple[Call, ...]]:
    """Where finished calls are kept, and those that are there already, where they are to be gone on with.

    Raises UsageError where it holds the calls of another bench: they are somebody's, and not written over.
    """
    path = _journal_path(flags, plan)
    kept = journal.Journal(path, plan.fingerprint, keeps_text=_keeps_text(flags, plan))
    unfinished = journal.read(path)
    if unfinished is None or not unfinished.calls:
        if flags.resume and not flags.quiet:
            warn("there is no unfinished bench of this command; it begins anew")
        return kept, ()
    if unfinished.plan != plan.fingerprint:
        hint = f"finish that one with its own command line, or remove {path}"
        raise UsageError(f"{path} holds an unfinished bench of other prompts, candidates or settings", hint)
    if not (flags.resume or flags.save):
        os.unlink(path)
        return kept, ()
    if not flags.quiet:
        made = sum(call.counts for call in unfinished.calls)
        say(f"synapse: going on: {made} of {plan.size} calls were made before")
    return kept, unfinished.calls


def keeper(flags: BenchFlags, kept: journal.Journal) -> Callable[[Call], None]:
    """What puts each call into the journal; one that nobody asked for may fail, which is said once."""
    if flags.no_log and not flags.save:
        return lambda _: None
    is_kept = True

    def keep(call: Call) -> None:
        nonlocal is_kept
        if not is_kept:
            return
        try:
            kept.append(call)
        except InputError as error:
            if flags.save or flags.resume:
                raise
            is_kept = False
            _warn(flags)(f"{error.message}: where this bench is cut short, it cannot go on")

    return keep


def _warn(flags: BenchFlags) -> Callable[[str], None]:
    return (lambda _: None) if flags.quiet else warn


def _journal_path(flags: BenchFlags, plan: Plan) -> str:
    """Beside the file that the bench is saved to, else in the state folder, under what the bench is."""
    if flags.save:
        return f"{flags.save}.journal"
    from synapse_cli.profile.paths import state_dir

    return os.path.join(state_dir(), "bench", f"{plan.fingerprint}.jsonl")


@contextmanager
def recording(flags: BenchFlags, plan: Plan) -> Iterator[Watch]:
    """Write each run into the ledger, as a bench's: its money was spent, and it saved nobody anything.

    What was graded is written too: `synapse tune` learns from it.
    """
    if flags.no_log:
        yield Watch(call=lambda _: None, run=lambda _: None)
        return
    from synapse_cli.ledger.book import Book
    from synapse_cli.profile.paths import state_dir

    settings = [each.profile.ledger for each in plan.candidates]
    book = Book(state_dir(), next((each for each in settings if not each.text), settings[0]), warn=_warn(flags))

    def grade(call: Call) -> None:
        if call.score is not None and call.run_id:
            book.grade(call.run_id, call.score)

    try:
        yield Watch(call=grade, run=lambda run: book.record(replace(run, saved=Decimal(0)), "bench", is_last=False))
    finally:
        book.close()


def save(flags: BenchFlags, plan: Plan, result: Result, told: Told) -> None:
    """Write the files of --outcomes and --save; an interrupted bench is in its journal, and replaces no whole one."""
    from synapse_cli.cli.output import write_file

    if flags.outcomes is not None:
        from synapse_cli.lab.bench.outcomes import table

        write_file(flags.outcomes, table(plan, result.calls))
    if flags.save is None or result.end == "interrupted":
        return
    text = saved.text(plan, result, told, machine=machine(), keeps_text=_keeps_text(flags, plan))
    write_file(flags.save, text)


def machine() -> str:
    """Enough to see that a bench was made elsewhere."""
    import platform

    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, {platform.node()}"


def _keeps_text(flags: BenchFlags, plan: Plan) -> bool:
    """Whether prompts and answers may be written down: where no profile of the bench forbids it to the ledger."""
    return not flags.no_text and all(each.profile.ledger.text for each in plan.candidates)
