"""`synapse tune`: the policy that saves the most within a promise that recorded outcomes prove."""

from __future__ import annotations

import inspect
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from synapse_cli.cli.flags import spelled_out, takes_flags
from synapse_cli.cli.output import write, write_file
from synapse_cli.cli.sink import refuse_unwritable
from synapse_cli.cli.tune_flags import TuneFlags
from synapse_cli.cli.tune_status import status
from synapse_cli.core.errors import InputError, ModelMissing, ThresholdMissed, UsageError

if TYPE_CHECKING:
    from synapse_cli.lab.outcomes import Table
    from synapse_cli.lab.tune.goal import Goal
    from synapse_cli.lab.tune.making import Tuned
    from synapse_cli.lab.vectors import Floats as Vectors
    from synapse_cli.learned.policy import Policy
    from synapse_cli.profile.model import Profile
    from synapse_cli.report.tune import Before, Told

app = typer.Typer(
    invoke_without_command=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@takes_flags
def tune(flags: TuneFlags) -> int:
    """Make a policy that saves, and say what can be promised of it.

    From recorded outcomes (a table, or the ledger with what people, benches and dearer tiers said of answers) it learns
    who answers which prompts well, composes cascades with the checks that pay, and chooses among them for one goal.
    Some rows are fitted, the others test what is promised. Where nothing can be, the policy sends everything to the
    best model, it is said how many more labels would be needed, and the exit code is 100. All calls count; nothing is
    asked or sent. Name the policy in the profile: policy = "FILE" in a route. Needs the extra `tune`.

    A row of a table: {"id", "task", "prompt", "outcomes": {MODEL: {"score", "cost", "answer", "text", "confidence"}}},
    the last three where they are known; scores lie in [0, 1], costs are dollars.

    The keys of --json: file, sha256, found, certified, promise, target, limit, confidence, bound, method, baseline,
    saved, loss, score, cost_usd, baseline_score, baseline_cost_usd, ways [{way, tiers, accept, cost_usd, score,
    share}], always, encoder, price, threshold, rows, fitted, tested, left_out, labels_needed, candidate, checks
    [{check, model, task, rows, auc}], frontier [{kind, name, cost_usd, score, low, high, saved}], before, warnings.

    Examples:

      synapse tune --outcomes train.jsonl.gz --max-loss 1% -o mail.policy

      synapse tune --outcomes train.jsonl.gz --best gpt-5 --budget-share 30% --svg frontier.svg

      synapse tune --from mail.policy --outcomes new.jsonl --max-loss 2% -o mail.policy

      synapse tune --route mail --json | jq '{certified, saved, labels_needed}'

      synapse tune status
    """
    from synapse_cli.cli.tune_goal import goal

    wanted = goal(flags)
    _refuse_contradictions(flags)
    for path in (flags.output, flags.svg, flags.png):
        refuse_unwritable(path)
    warnings: list[str] = []
    table, left_out = _table(flags)
    old = _old(flags.output)
    vectors, encoder = _vectors(flags, table, warnings)
    tuned = _tuned(flags, table, wanted, vectors, encoder)
    before = None if old is None else _before(table, tuned, old, vectors, encoder)
    told = _told(flags, table, tuned)
    told = replace(told, before=before, left_out=left_out, warnings=tuple(warnings))
    _show(flags, told)
    if not tuned.found:
        raise ThresholdMissed(_first_line(told), _hint(told, is_estimate=flags.no_certify))
    return 0


def _with_context(context: typer.Context, **values: object) -> int:
    return 0 if context.invoked_subcommand is not None else spelled_out(tune)(**values)


_with_context.__doc__ = tune.__doc__
_with_context.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what inspect looks for
    [
        inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
        *inspect.signature(spelled_out(tune)).parameters.values(),
    ]
)
_with_context.__annotations__ = {"context": typer.Context, **spelled_out(tune).__annotations__}
app.callback()(_with_context)
app.command("status")(status)


def _refuse_contradictions(flags: TuneFlags) -> None:
    if flags.lexical and flags.encoder is not None:
        raise UsageError("--lexical and --encoder contradict each other", "give one of them")
    if flags.known is not None and (flags.best is not None or flags.no_certify):
        raise UsageError("--from keeps what the policy compares with, and tests it", "leave out --best, --no-certify")
    if flags.outcomes is not None and (flags.since or flags.route or flags.tenant):
        raise UsageError("--since, --route and --tenant are of the ledger", "leave them out with --outcomes")
    for flag, path, ending in (("--svg", flags.svg, ".svg"), ("--png", flags.png, ".png")):
        if path is not None and not path.lower().endswith(ending):
            raise UsageError(f"{flag} takes no {path!r}", f"a name that ends with {ending}")
    if flags.png is not None:
        from synapse_cli.report.plot_png import check

        check()


def _table(flags: TuneFlags) -> tuple[Table, int]:
    """The rows, and how many of the ledger's lack a model."""
    from synapse_cli.lab import outcomes

    if flags.outcomes is not None:
        return outcomes.read(flags.outcomes), 0
    from datetime import UTC, datetime

    from synapse_cli.cli.looking import ledger_path
    from synapse_cli.cli.span import since as beginning
    from synapse_cli.lab.recorded import recorded_outcomes

    since = None if flags.since is None else beginning(flags.since, datetime.now(UTC))
    found = recorded_outcomes(ledger_path(), since=since, route=flags.route, tenant=flags.tenant)
    if not found.rows:
        raise InputError(
            "the ledger knows of no judged answer", "synapse good, bad, shadow run and bench judge; or give --outcomes"
        )
    return outcomes.complete(found.rows, "the ledger")


def _tuned(flags: TuneFlags, table: Table, goal: Goal, vectors: Vectors | None, encoder: str | None) -> Tuned:
    if flags.known is not None:
        from synapse_cli.lab.tune.again import again
        from synapse_cli.learned.policy import load

        return again(table, goal, load(flags.known), vectors=vectors, encoder=encoder, made=_now())
    from synapse_cli.lab.tune.tune import tune as made

    return made(
        table,
        goal,
        baseline=flags.best,
        vectors=vectors,
        encoder=encoder,
        certifies=not flags.no_certify,
        seed=flags.seed,
        made=_now(),
        tell=_say,
    )


def _old(path: str | None) -> Policy | None:
    """The policy that would be overwritten, where there is one that can be read."""
    if path is None or not os.path.isfile(path):  # a device may be read for ever
        return None
    from synapse_cli.learned.policy import load

    try:
        return load(path)
    except InputError:
        return None


def _vectors(flags: TuneFlags, table: Table, warnings: list[str]) -> tuple[Vectors | None, str | None]:
    """The prompts' vectors and who made them; neither where words are to decide, or no encoder is to be had."""
    if flags.lexical:
        return None, None
    from synapse_cli.flows.encoding import find_model
    from synapse_cli.lab.vectors import vectors
    from synapse_cli.learned.encoder import identity

    profile = _profile(flags.profile)
    model = find_model(flags.encoder or profile.routing.encoder, profile)
    try:
        found = vectors(
            [row.prompt for row in table.rows], model, profile, hosts=not flags.no_host, warn=warnings.append
        )
    except ModelMissing as error:
        if flags.encoder is not None:
            raise
        warnings.append(f"words alone are learned from: {error.message} ({error.hint})")
        return None, None
    return found, identity(model)


def _profile(name: str | None) -> Profile:
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness

    return find_profile(name, Witness())


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


def _say(what: str) -> None:
    """What is being done, at a terminal's stderr."""
    import sys

    if sys.stderr.isatty():
        typer.echo(f"synapse: {what}", err=True)


def _before(table: Table, tuned: Tuned, old: Policy, vectors: Vectors | None, encoder: str | None) -> Before:
    from dataclasses import asdict

    from synapse_cli.lab.tune.changes import changes
    from synapse_cli.report.tune import Before

    return Before(**asdict(changes(table, tuned, old, vectors, encoder)))


def _told(flags: TuneFlags, table: Table, tuned: Tuned) -> Told:
    from synapse_cli.lab.tune.evidence import evidence
    from synapse_cli.lab.tune.frontier import frontier
    from synapse_cli.lab.tune.judged import Judged
    from synapse_cli.report.tune import Place, Told, Worth

    found = frontier(table, tuned)
    spots = (*found.spots, *found.curve, *found.random, *found.length)
    return Told(
        file=flags.output,
        policy=replace(tuned.policy, sha256=_write(flags.output, tuned.policy)),
        found=tuned.found,
        labels_needed=tuned.labels_needed,
        candidate=tuned.candidate,
        places=tuple(Place(spot.kind, spot.name, spot.cost, spot.score, spot.saved) for spot in spots),
        checks=tuple(Worth(each.check, each.model, each.task, each.rows, each.auc) for each in evidence(Judged(table))),
        table=os.path.basename(table.name),
    )


def _write(path: str | None, policy: Policy) -> str:
    """Write the policy, where it is asked for; return its proof."""
    if path is None:
        return ""
    from synapse_cli.learned.policy import save

    try:
        return save(path, policy)
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error.strerror}", "name another file") from error


def _show(flags: TuneFlags, told: Told) -> None:
    from synapse_cli.report import tune as report
    from synapse_cli.report.problem import warn

    if flags.json:
        write(json.dumps(report.as_json(told), ensure_ascii=False) + "\n")
    else:
        for message in told.warnings:
            warn(message)
        write("\n".join(report.lines(told)) + "\n")
        if told.file is not None:
            typer.echo(f'wrote {told.file}; in a route of the profile: policy = "{told.file}"', err=True)
    _draw(flags, told)


def _draw(flags: TuneFlags, told: Told) -> None:
    if flags.svg is None and flags.png is None:
        return
    from synapse_cli.report.frontier import svg

    picture = svg(told)
    if flags.svg is not None:
        write_file(flags.svg, picture)
    if flags.png is not None:
        from synapse_cli.cli.sink import sink
        from synapse_cli.report.plot_png import png

        with sink(flags.png) as put:
            put(png(picture))


def _first_line(told: Told) -> str:
    from synapse_cli.report.tune import headline

    return headline(told)


def _hint(told: Told, *, is_estimate: bool) -> str:
    if is_estimate:
        return "another goal, or --best with another model to compare with"
    if told.labels_needed is not None:
        return f"about {told.labels_needed:,} rows would be needed; --no-certify makes the best estimate"
    return "another goal, or --no-certify for the best estimate"
