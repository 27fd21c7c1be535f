"""`synapse lab`: check what is claimed on tables of your own; nothing is asked of any model."""

from __future__ import annotations

import json as _json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.lab_confidence import confidence
from synapse_cli.cli.lab_scorer import scorer
from synapse_cli.cli.output import write, write_file
from synapse_cli.cli.sink import refuse_unwritable
from synapse_cli.core.errors import InputError, ThresholdMissed, UsageError

if TYPE_CHECKING:
    from synapse_cli.lab.outcomes import Table
    from synapse_cli.lab.replay import Done, Ranking, Replay
    from synapse_cli.lab.vectors import Floats
    from synapse_cli.learned.policy import Policy
    from synapse_cli.profile.model import Model, Profile
    from synapse_cli.report.replay import Figure, Sorted, Told

app = typer.Typer(
    help="Check claims on tables of your own; nothing is asked.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def lab() -> None:
    """Check what is claimed of policies, on tables of outcomes of your own; nothing is asked of any model."""


app.command()(scorer)
app.command()(confidence)


_Table = Annotated[str, typer.Argument(help="A table of outcomes, gzip or plain.", metavar="TABLE")]
_Policy = Annotated[str, typer.Option("--policy", help="What synapse tune wrote.", metavar="POLICY")]
_Best = Annotated[
    str | None, typer.Option("--best", help="The model to compare with [the policy's own].", metavar="MODEL")
]
_MinSaved = Annotated[str | None, typer.Option("--min-saved", help="Exit 100 where less is saved.", metavar="30%")]
_MinAccuracy = Annotated[
    str | None, typer.Option("--min-accuracy", help="Exit 100 where the mean score is lower.", metavar="0.8")
]
_MinApgr = Annotated[str | None, typer.Option("--min-apgr", help="Exit 100 where it ranks worse.", metavar="0.6")]
_MaxLoss = Annotated[str | None, typer.Option("--max-loss", help="Exit 100 where more points are lost.", metavar="1%")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Svg = Annotated[str | None, typer.Option("--svg", help="Draw cost, quality and PGR.", metavar="FILE")]
_Png = Annotated[str | None, typer.Option("--png", help="The same as PNG.", metavar="FILE")]
_Profile = Annotated[str | None, typer.Option("--profile", help="Where the encoder is found.", metavar="NAME|PATH")]
_NoHost = Annotated[bool, typer.Option("--no-host", help="Encode in this process.")]
_Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No notices on stderr.")]


@app.command()
def replay(
    *,
    table: _Table,
    policy: _Policy,
    best: _Best = None,
    min_saved: _MinSaved = None,
    min_accuracy: _MinAccuracy = None,
    min_apgr: _MinApgr = None,
    max_loss: _MaxLoss = None,
    json: _Json = False,
    svg: _Svg = None,
    png: _Png = None,
    profile: _Profile = None,
    no_host: _NoHost = False,
    quiet: _Quiet = False,
) -> int:
    """Tell what a policy would have cost and scored on known outcomes.

    Use rows that the policy was not made from. Every call counts: tiers that were asked and rejected, too. Beside it
    stand random choice and prompt length for the same money, every single model, and an oracle. Prompts are encoded on
    this machine where the policy wants that, once: the vectors are kept.

    A row: {"id", "task", "prompt", "outcomes": {MODEL: {"score", "cost", "answer", "text", "confidence"}}}, the last
    three where they are known; scores lie in [0, 1], costs are dollars.

    The keys of --json: table, rows, policy, sha256, promise, certified, encoder, baseline; accuracy (the mean score),
    accuracy_interval, cost_usd (a prompt), saved (of the baseline's cost), loss (mean score lost, 0.01 is a point),
    loss_interval; apgr, apgr_interval, cpt50, cpt80 (shares from 0 to 1; null where nothing is ranked, why_unranked
    says why), ranking {weak, strong, policy, random, length, oracle: {apgr, cpt50, cpt80}}; ways [{way, share,
    accuracy, cost_usd}], models [{model, share}] (of prompts that it was asked), abstained; random and length (for the
    policy's money), best_single, oracle and singles, each {name, accuracy, accuracy_interval, cost_usd, saved, loss};
    warnings. Intervals are [low, high] at 95 %.

    Examples:

      synapse lab replay test.jsonl.gz --policy mail.policy

      synapse lab replay test.jsonl.gz --policy mail.policy --best gpt-5 --json | jq '{saved, loss, apgr}'

      synapse lab replay test.jsonl.gz --policy mail.policy --min-saved 30% --max-loss 1% --svg replay.svg
    """
    limits = _limits(min_saved=min_saved, min_accuracy=min_accuracy, min_apgr=min_apgr, max_loss=max_loss)
    _refuse_pictures(svg, png)
    told = _replayed(table, policy, best, profile, hosts=not no_host)
    if json:
        from synapse_cli.report.replay import as_json

        write(_json.dumps(as_json(told), ensure_ascii=False) + "\n")
    else:
        _print(told, quiet=quiet)
    _draw(told, svg, png)
    _raise_missed(told, limits)
    return 0


def _replayed(table: str, policy: str, best: str | None, profile: str | None, *, hosts: bool) -> Told:
    """Read both, and follow the policy through the table."""
    from synapse_cli.lab import outcomes
    from synapse_cli.lab.replay import replay as through
    from synapse_cli.learned.policy import load
    from synapse_cli.report.counting import Counting

    loaded = load(policy)
    rows = outcomes.read(table)
    warnings: list[str] = []
    if loaded.data.sha256 == rows.sha256:
        warnings.append("the policy was made from this very table: expect it to do worse on others")
    vectors = _vectors(loaded, rows, profile, warnings, hosts=hosts)
    with Counting("replay", len(rows.rows)) as counting:
        found = through(rows, loaded, vectors, best=best, tell=counting.reached)
    return _told(found, loaded, table=table, policy_file=policy, warnings=warnings)


def _limits(**said: str | None) -> dict[str, float]:
    """What the flags ask for. Raises UsageError for what is no share."""
    found = {}
    for name, value in said.items():
        if value is not None:
            flag = f"--{name.replace('_', '-')}"
            try:
                found[name] = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
            except ValueError as error:
                raise UsageError(f"{flag} takes a share, found {value!r}", f"for example {flag} 30% or 0.3") from error
    return found


def _refuse_pictures(svg: str | None, png: str | None) -> None:
    for flag, path, ending in (("--svg", svg, ".svg"), ("--png", png, ".png")):
        if path is not None and not path.lower().endswith(ending):
            raise UsageError(f"{flag} takes no {path!r}", f"a name that ends with {ending}")
        refuse_unwritable(path)
    if png is not None:
        from synapse_cli.report.plot_png import check

        check()


def _vectors(policy: Policy, table: Table, choice: str | None, warnings: list[str], *, hosts: bool) -> Floats | None:
    """The prompts as the policy's encoder reads them; None where it reads words only."""
    if policy.encoder is None:
        return None
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness
    from synapse_cli.lab.vectors import vectors

    profile = find_profile(choice, Witness())
    model = _encoder(policy.encoder, profile)
    prompts = [row.prompt for row in table.rows]
    return vectors(prompts, model, profile, hosts=hosts, warn=warnings.append)


def _encoder(wanted: str, profile: Profile) -> Model:
    """The model whose vectors the policy learned from. Raises InputError where it is not to be had."""
    from synapse_cli.flows.encoding import MINILM
    from synapse_cli.learned.encoder import identity

    for model in (MINILM, *(each for each in profile.models.values() if each.backend == "encoder")):
        try:
            if identity(model) == wanted:
                return model
        except OSError:
            continue
    hint = "name a profile that has it with --profile, or tune again with another --encoder"
    raise InputError(f"the policy reads vectors of {wanted!r}, which no encoder here makes", hint)


def _told(found: Replay, policy: Policy, *, table: str, policy_file: str, warnings: Sequence[str]) -> Told:
    from synapse_cli.report.replay import Told, Way

    return Told(
        table=os.path.basename(table),
        policy_file=os.path.basename(policy_file),
        sha256=policy.sha256,
        promise=policy.promise.line,
        certified=policy.certified,
        encoder=policy.encoder,
        rows=found.rows,
        baseline=found.baseline,
        policy=_figure(found.policy),
        ways=tuple(Way(part.name, part.share, part.score, part.cost) for part in found.parts),
        asked=found.asked,
        abstained=found.abstained,
        singles=tuple(map(_figure, found.singles)),
        best_single=_figure(found.best_single),
        oracle=_figure(found.oracle),
        random=None if found.random is None else _figure(found.random),
        length=None if found.length is None else _figure(found.length),
        between=None if found.ranking is None else (found.ranking.weak, found.ranking.strong),
        sorts=() if found.ranking is None else _sorts(found.ranking),
        why_unranked=found.why_unranked,
        by_chance=tuple(map(_figure, found.by_chance)),
        by_length=tuple(map(_figure, found.by_length)),
        warnings=tuple(warnings),
    )


def _figure(done: Done) -> Figure:
    from synapse_cli.report.replay import Figure

    return Figure(done.name, done.score, done.cost, done.saved, done.loss)


def _sorts(ranking: Ranking) -> tuple[Sorted, ...]:
    from synapse_cli.core.interval import Interval
    from synapse_cli.lab.curve import RANDOM, Ranked
    from synapse_cli.report.replay import Sorted

    by_chance = Ranked(Interval(0.5, 0.5, 0.5), 0.5, 0.8, RANDOM)
    named = (("policy", ranking.policy), ("random", by_chance), ("length", ranking.length), ("oracle", ranking.oracle))
    return tuple(
        Sorted(name, each.apgr, each.cpt50, each.cpt80, tuple(zip(each.curve.shares, each.curve.gains, strict=True)))
        for name, each in named
    )


def _print(told: Told, *, quiet: bool) -> None:
    from synapse_cli.report.problem import warn
    from synapse_cli.report.replay import lines

    if not quiet:
        for message in told.warnings:
            warn(message)
    write("\n".join(lines(told, bars=sys.stdout.isatty())) + "\n")


def _draw(told: Told, svg: str | None, png: str | None) -> None:
    if svg is None and png is None:
        return
    from synapse_cli.report.replay_svg import svg as drawn

    picture = drawn(told)
    if svg is not None:
        write_file(svg, picture)
    if png is not None:
        from synapse_cli.cli.sink import sink
        from synapse_cli.report.plot_png import png as as_png

        with sink(png) as put:
            put(as_png(picture))


def _raise_missed(told: Told, limits: dict[str, float]) -> None:
    """Raise ThresholdMissed with every limit that is not met; what is not known meets none."""
    found = {
        "min_saved": told.policy.saved,
        "min_accuracy": told.policy.score.estimate,
        "min_apgr": told.sorts[0].apgr.estimate if told.sorts else None,
        "max_loss": told.policy.loss.estimate,
    }
    missed = []
    for name, limit in limits.items():
        value = found[name]
        is_met = value is not None and (value <= limit if name == "max_loss" else value >= limit)
        if not is_met:
            said = "unknown" if value is None else f"{value:.4g}"
            missed.append(
                f"{name.split('_')[1]} is {said}, wanted {'at most' if name == 'max_loss' else 'at least'} {limit:g}"
            )
    if missed:
        raise ThresholdMissed("; ".join(missed), "synapse tune makes another policy: more labels, or another goal")
