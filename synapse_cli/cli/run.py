"""`synapse run`: answer a prompt. stdout is the answer and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from synapse_cli.cli.asking import Asked, asked, wishes
from synapse_cli.cli.flags import Flags, takes_flags
from synapse_cli.cli.interruptible import interruptible
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.events import Event, Warned
from synapse_cli.core.run import Run
from synapse_cli.core.witness import Witness
from synapse_cli.flows.choosing import NANO
from synapse_cli.flows.session import Session
from synapse_cli.report.problem import say, tell, warn


@takes_flags
def run(flags: Flags) -> int:
    """Answer a prompt with the cheapest model that is good enough.

    The prompt is made of the arguments, then each -f, then stdin. The answer goes to stdout, everything else to
    stderr; the exit code says how it went (0 answered, 65 not accepted, 75 try later, 77 no key, 79 budget spent).

    Examples:

      synapse run "Is this review positive or negative?" < review.txt

      git diff | synapse run "Write a commit message"

      synapse run -m gpt-5-mini --max-cost 0.01 "Name three rivers" --json

      synapse run --choices billing,bug,praise "Classify this" -f mail.txt
    """
    try:
        return _run(flags)
    except SynapseError as error:
        if not flags.json:
            raise
        from synapse_cli.report.answer import failure_json

        _print_json(failure_json(error, []))
        tell(error, debug=flags.debug)
        return error.exit_code


def _run(flags: Flags) -> int:
    from synapse_cli.cli.profiles import find_profile

    witness = Witness()
    wanted = wishes(flags, witness)
    profile = find_profile(flags.profile, witness)
    typed = asked(flags, wanted, profile, witness)
    session = Session(profile, typed.ask, witness)
    if flags.dry_run:
        from synapse_cli.cli.explain import show

        return show(session, as_json=flags.json)
    from synapse_cli.flows.step import step

    with interruptible(session.control), _telling(flags) as listen:
        finished = step(session, listen, _emit(flags))
    return _finish(flags, session, typed, finished)


def _finish(flags: Flags, session: Session, typed: Asked, finished: Run) -> int:
    answer, notes = _extracted(finished.answer, extract=flags.extract)
    warnings = [*notes, *session.warnings, *_answer_warnings(finished)]
    if flags.thinking:
        _think_aloud(finished)
    from synapse_cli.cli.output import end_line

    try:
        _deliver(flags, finished, answer, notes)
        if answer is None and _emit(flags) is not None:
            end_line()
    except SynapseError as undelivered:
        if session.book is not None:
            session.book.ended(session.run_id, undelivered.exit_code)
        raise
    if not flags.quiet:
        for message in dict.fromkeys(warnings):
            warn(message)
    error = finished.outcome.error
    if error is not None:
        tell(error, debug=flags.debug)
    _tell_of_tiny(session, flags, finished)
    _sum_up(flags, finished)
    if not warnings and _is_usual(flags) and typed.repeatable and answer is not None:
        from synapse_cli.cli.memory import remember

        remember(session, finished, answer, quiet=flags.quiet)
    return finished.exit_code


def _deliver(flags: Flags, finished: Run, answer: str | None, notes: list[str]) -> None:
    """Put the answer where it was asked for; with --json and -o the answer goes to the file, its story to stdout."""
    from synapse_cli.cli.output import deliver

    if answer is not None and (flags.output or not flags.json):
        deliver(answer, flags.output, already=_streamed(flags, finished))
    if flags.json:
        from synapse_cli.report.answer import as_json

        _print_json(as_json(finished, answer, notes))


def _emit(flags: Flags) -> Callable[[str], None] | None:
    """What prints pieces as they arrive; None where the answer is wanted whole."""
    if flags.json and flags.stream:
        return lambda _: None  # the events themselves are printed, pieces among them
    if flags.json or flags.output or flags.extract or flags.stream is False:
        return None
    if flags.stream or sys.stdout.isatty():
        from synapse_cli.cli.output import emit

        return emit
    return None


def _streamed(flags: Flags, finished: Run) -> bool:
    """Whether stdout has the answer already: only a tier without checks was shown while it wrote."""
    best = finished.outcome.best
    return best is not None and not best.verdicts and _emit(flags) is not None


def _extracted(answer: str | None, *, extract: bool) -> tuple[str | None, list[str]]:
    if answer is None or not extract:
        return answer, []
    from synapse_cli.context.extract import last_block

    block = last_block(answer)
    if block is None:
        return answer, ["the answer has no fenced block; all of it is printed"]
    return block, []


def _think_aloud(finished: Run) -> None:
    """Show what the model said to itself; on stderr, because stdout is the answer and nothing else."""
    best = finished.outcome.best
    if best is not None:
        thought = best.completion.thinking.strip()
        say(thought or f"synapse: {best.model} showed no thinking")


def _answer_warnings(finished: Run) -> list[str]:
    best = finished.outcome.best
    if best is None:
        return []
    cut = best.completion.finish == "length"
    return [*best.completion.warnings, *(["the answer was cut at max_tokens"] if cut else [])]


def _sum_up(flags: Flags, finished: Run) -> None:
    if flags.quiet or flags.json or not (flags.verbose or sys.stderr.isatty()):
        return
    from synapse_cli.report.summary import summary

    say(summary(finished))


def _is_usual(flags: Flags) -> bool:
    """Whether the same command line may be answered from the memo next time."""
    unusual = (flags.json, flags.verbose, flags.no_cache, flags.refresh, flags.cache_only, flags.no_log, flags.output)
    typed_in = sys.stdin is not None and sys.stdin.isatty() and not flags.prompt
    return not any(unusual) and flags.stream is None and not (flags.debug or flags.thinking or typed_in)


def _tell_of_tiny(session: Session, flags: Flags, finished: Run) -> None:
    """Say once per user that the built-in model is a tiny one, after its first answer."""
    best = finished.outcome.best
    model = None if best is None or best.completion.cached else session.profile.models.get(best.model)
    if flags.quiet or model is None or (model.backend, model.source) != (NANO.backend, NANO.source):
        return
    from synapse_cli.cli.memory import first_time

    if first_time(model.name):  # asked first: what is known of a model takes its engine's modules to say
        warn(f"{session.facts(model).notice} (this is said once)")


@contextmanager
def _telling(flags: Flags) -> Iterator[Callable[[Event], None]]:
    """What follows the events of a run: a line each with -v, a status line at a terminal, else nothing."""
    from synapse_cli.report.event import event_json
    from synapse_cli.report.progress import Progress
    from synapse_cli.report.summary import narrate

    shows = sys.stderr.isatty() and not (flags.quiet or flags.verbose)
    with Progress() if shows else nullcontext() as progress:
        line: str | None = None

        def listen(event: Event) -> None:
            nonlocal line
            if progress is not None:
                progress.hear(event)
            if flags.json and flags.stream:
                _print_json(event_json(event))
            line = narrate(event, line) if flags.verbose or isinstance(event, Warned) else None
            if line:
                sys.stderr.write(f"synapse: {line}\n")

        yield listen


def _print_json(value: object) -> None:
    import json

    from synapse_cli.cli.output import write

    write(json.dumps(value, ensure_ascii=False) + "\n")
