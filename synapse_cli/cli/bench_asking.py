"""Turn the flags of `bench` into a plan, and say everything that is wrong with one before anything is asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from synapse_cli.cli.asking import wishes
from synapse_cli.cli.bench_flags import BenchFlags
from synapse_cli.cli.flags import Flags
from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.lab.bench import builtin, grade, saved
from synapse_cli.lab.bench.candidate import Candidate, Choice, candidates, check, obstacle
from synapse_cli.lab.bench.course import Plan
from synapse_cli.lab.bench.item import Item
from synapse_cli.lab.bench.prompts import Given, prompts
from synapse_cli.lab.bench.rows import COLUMNS
from synapse_cli.lab.bench.schedule import repeats_for
from synapse_cli.lab.bench.telling import Thresholds

FORMATS = ("table", "json", "jsonl", "csv", "markdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Everything that the command line says."""

    plan: Plan
    thresholds: Thresholds
    format: str
    before: saved.Saved | None
    notes: tuple[str, ...]


def wanted(flags: BenchFlags) -> Wanted:
    """Read flags, profiles and prompts. Raises UsageError, InputError or ProfileError."""
    _refuse_contradictions(flags)
    shape = _format(flags)
    thresholds = _thresholds(flags)
    base = _base(flags)
    before = None if flags.against is None else saved.read(flags.against)
    for path in (flags.save, flags.plot, flags.outcomes):
        _check_folder(path)
    if flags.plot is not None and flags.plot.lower().endswith(".png"):
        from synapse_cli.report import plot_png

        plot_png.check()
    rule = _rule(flags)
    _check_program(rule)
    items = prompts(_given(flags)) or builtin.prompts()
    found, notes = _candidates(flags)
    plan = Plan(
        candidates=tuple(found),
        items=tuple(items),
        base=replace(base, max_cost=None),
        grade=rule,
        repeats=flags.repeat or repeats_for(len(items)),
        warm_up=flags.warm_up,
        concurrency=flags.concurrency,
        seed=flags.seed,
        max_cost=base.max_cost,
        max_time_s=_max_time_s(flags),
    )
    _check(plan)
    _check_thresholds(flags, plan, thresholds)
    return Wanted(plan=plan, thresholds=thresholds, format=shape, before=before, notes=tuple(notes))


def _rule(flags: BenchFlags) -> grade.Grade | None:
    """What `--grade`, or `--judge` and `--rubric`, say."""
    if flags.judge is not None and flags.grade is not None:
        raise UsageError("--judge and --grade contradict each other", "give one of them")
    named = flags.grade if flags.judge is None else f"judge={flags.judge}"
    rule = None if named is None else grade.parse(named, "--grade" if flags.judge is None else "--judge")
    if flags.rubric is None:
        return rule
    if rule is None or rule.kind != "judge":
        raise UsageError("--rubric is what a judge goes by, and there is none", "name one: --judge MODEL")
    return replace(rule, rubric=_rubric(flags.rubric))


def _rubric(text: str) -> str:
    found = text
    if text.startswith("@"):
        try:
            with open(text[1:], encoding="utf-8") as file:
                found = file.read()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise InputError(f"the rubric {text[1:]!r} cannot be read: {why}", "name a text file") from error
    if not found.strip():
        raise UsageError("--rubric says nothing", 'for example --rubric "Is every claim right?"')
    return found.strip()


def _check_program(rule: grade.Grade | None) -> None:
    """A program that is not there would grade nothing, and a bench without grades looks like one that wants none."""
    import shutil

    program = grade.program(rule) if rule is not None else None
    if program is not None and shutil.which(program) is None:
        raise UsageError(f"--grade: there is no program {program!r}", "check its path, and that it may be run")


def _refuse_contradictions(flags: BenchFlags) -> None:
    if flags.verbose and flags.quiet:
        raise UsageError("--verbose and --quiet contradict each other", "give one of them")
    if flags.json and flags.format not in {None, "json"}:
        raise UsageError(f"--json and --format {flags.format} contradict each other", "give one of them")


def _format(flags: BenchFlags) -> str:
    name = "json" if flags.json else (flags.format or "table")
    if name not in FORMATS:
        raise UsageError(f"there is no format {name!r}", "one of " + ", ".join(FORMATS))
    return name


def _thresholds(flags: BenchFlags) -> Thresholds:
    return Thresholds(
        quality=_share("--fail-under", flags.fail_under, most=1.0),
        slower=_share("--max-slower", flags.max_slower),
        dearer=_share("--max-dearer", flags.max_dearer),
    )


def _share(flag: str, text: str | None, most: float = 1000.0) -> float | None:
    """`0.1` or `10%`."""
    if text is None:
        return None
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise UsageError(f"{flag} takes a share, found {text!r}", f"for example {flag} 0.1, or {flag} 10%")
    return value


def _base(flags: BenchFlags) -> Ask:
    """What holds for every call; read by the same code as the flags of `run`."""
    shared = Flags(
        system=flags.system,
        schema=flags.schema,
        choices=flags.choices,
        grammar=flags.grammar,
        effort=flags.effort,
        param=flags.param,
        force=flags.force,
        local_only=flags.local_only,
        hosted_only=flags.hosted_only,
        max_cost=flags.max_cost,
        timeout=flags.timeout,
        no_host=flags.no_host,
        no_cache=True,
        no_log=True,
    )
    return wishes(shared, Witness())


def _max_time_s(flags: BenchFlags) -> float | None:
    if flags.max_time is None:
        return None
    from synapse_cli.profile.units import duration_s

    try:
        return float(flags.max_time) if flags.max_time.replace(".", "", 1).isdigit() else duration_s(flags.max_time)
    except ValueError as error:
        raise UsageError(f"--max-time takes a duration, found {flags.max_time!r}", "for example 10m") from error


def _check_folder(path: str | None) -> None:
    """A result that cannot be kept is found out before it is paid for."""
    if path is None:
        return
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise InputError(f"there is no folder {folder!r}", "make it first")
    if os.path.isdir(path) or not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise InputError(f"{path!r} cannot be written", "name another file")


def _given(flags: BenchFlags) -> Given:
    return Given(
        words=flags.prompt or (),
        files=flags.file or (),
        stdin=_stdin(flags),
        columns=_columns(flags.column or ()),
        cwd=os.getcwd(),
        encoding=flags.encoding or "utf-8",
    )


def _stdin(flags: BenchFlags) -> bytes | None:
    """What was piped in; left alone where files are named and `-` is not among them."""
    wanted_too = flags.prompt or not flags.file or "-" in flags.file
    if not wanted_too or sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return None
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise InputError(f"stdin cannot be read: {error.strerror}", "give a file with -f instead") from error


def _columns(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in pairs:
        name, equals, column = text.partition("=")
        if not equals or name not in COLUMNS:
            hint = "for example --column expected=label; names: " + ", ".join(COLUMNS)
            raise UsageError(f"--column takes NAME=COLUMN, found {text!r}", hint)
        found[name] = column
    return found


def _candidates(flags: BenchFlags) -> tuple[list[Candidate], list[str]]:
    """Who is compared, the baseline first; of a bare `bench` without those that nobody could ask."""
    from synapse_cli.cli.profiles import find_profile

    named: list[str | None] = [*(flags.profile or ())]
    profiles = [find_profile(name, Witness()) for name in named or [None]]
    choice = Choice(models=flags.model or (), routes=flags.route or (), cascades=flags.cascade or ())
    found = candidates(choice, profiles)
    notes = []
    if choice.is_empty:
        problems = {each.label: obstacle(each) for each in found}
        notes = [f"{label} is left out: {problem.message}" for label, problem in problems.items() if problem]
        found = [each for each in found if problems[each.label] is None] or found
    return _from_baseline(found, flags.baseline), notes


def _from_baseline(found: list[Candidate], label: str | None) -> list[Candidate]:
    if label is None:
        return found
    first = next((each for each in found if each.label == label), None)
    if first is None:
        raise UsageError(f"there is no candidate {label!r}", "candidates: " + ", ".join(each.label for each in found))
    return [first, *(each for each in found if each is not first)]


def _check(plan: Plan) -> None:
    """Lay out the first call of each candidate, and see that the grade fits some prompt at least."""
    for candidate in plan.candidates:
        check(candidate, plan.items[0].ask(plan.base), has_limit=plan.max_cost is not None)
    rule = plan.grade
    if rule is not None and rule.kind == "judge":
        _check_judge(rule, plan)
    if rule is not None:
        lacking = [grade.lacks(rule, item.question(plan.base)) for item in plan.items]
        if all(lacking):
            raise UsageError(f"--grade {rule} needs {lacking[0]}", "give the prompts an `expected` column")
    for item in plan.items:
        _check_grade(item, plan.base)


def _check_judge(rule: grade.Grade, plan: Plan) -> None:
    """A judge that cannot be asked is found out before the answers are paid for."""
    for profile in {each.profile.path: each.profile for each in plan.candidates}.values():
        judge = Candidate(label="judge", kind="model", name=rule.argument or "", profile=profile)
        check(judge, Ask(prompt="?"), has_limit=plan.max_cost is not None)
        if (problem := obstacle(judge)) is not None:
            raise problem


def _check_thresholds(flags: BenchFlags, plan: Plan, thresholds: Thresholds) -> None:
    """A limit on nothing is a mistake: it would pass for ever."""
    compares = thresholds.slower is not None or thresholds.dearer is not None
    if compares and len(plan.candidates) == 1 and flags.against is None:
        raise UsageError("there is nobody to be slower or dearer than", "name a second candidate, or --against FILE")
    questions = [(item.grade or plan.grade, item.question(plan.base)) for item in plan.items]
    if thresholds.quality is not None and not any(rule or grade.implied(asked) for rule, asked in questions):
        raise UsageError("--fail-under needs answers that can be graded", "give the prompts an `expected` column")
    if flags.outcomes is not None:
        if not any(rule or grade.implied(asked) for rule, asked in questions):
            raise UsageError("--outcomes needs answers that can be graded", "give the prompts an `expected` column")
        if flags.no_text or not all(each.profile.ledger.text for each in plan.candidates):
            raise UsageError("--outcomes writes prompts and answers", "leave --no-text out, and [ledger] text = false")


def _check_grade(item: Item, base: Ask) -> None:
    if item.grade is not None:
        missing = grade.lacks(item.grade, item.question(base))
        if missing:
            raise InputError(f"{item.where}: the grade {item.grade} needs {missing}", "add it, or leave the grade out")
