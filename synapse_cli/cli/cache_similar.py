"""`synapse cache calibrate` and `synapse cache eval`: when may an answer serve for nearly the same prompt?"""

from __future__ import annotations

import json as _json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.sink import refuse_unwritable
from synapse_cli.core.errors import InputError, SynapseError, ThresholdMissed, UsageError
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    from synapse_cli.lab.similarity.calibrate import Calibration, Table
    from synapse_cli.lab.similarity.certify import Aim
    from synapse_cli.lab.similarity.measure import Curve, Point
    from synapse_cli.lab.similarity.pairs import Pair
    from synapse_cli.learned.similarity import Similarity
    from synapse_cli.profile.model import Model, Profile

Pairs = Annotated[list[str], typer.Argument(metavar="PAIRS", help='Rows of {"a", "b", "dup"} (.jsonl, plain or gzip).')]
Encoder = Annotated[
    str | None, typer.Option("--encoder", metavar="NAME", help="The encoder whose vectors are compared [MiniLM].")
]
ProfileName = Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")]
NoHost = Annotated[bool, typer.Option("--no-host", help="Encode in this process.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def calibrate(
    *,
    pairs: Pairs,
    max_wrong: Annotated[
        str, typer.Option("--max-wrong", metavar="SHARE", help="Of the hits, the share that may be wrong.")
    ] = "10%",
    confidence: Annotated[str, typer.Option("--confidence", metavar="P", help="How sure that is to be.")] = "95%",
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Write the similarity here.")
    ] = None,
    encoder: Encoder = None,
    profile: ProfileName = None,
    no_host: NoHost = False,
    json: AsJson = False,
) -> None:
    """Prove from when on two prompts may share an answer.

    Learns from a third of the labelled pairs and proves a threshold on pairs that it has not seen: of the hits at most
    --max-wrong are wrong, in the long run and among as many pairs again, with --confidence. The share is of pairs such
    as these: where fewer prompts ask the same, more hits are wrong. Prompts that differ in a number, a name, a
    negation, code or a quotation are never the same.

    Where nothing can be proved, nothing is written: exit code 100. Needs the extra `tune`; which rows come first does
    not matter.

    The keys of --json: schema_version, file, sha256, certified, promise, judge (verifier or cosine), threshold,
    max_wrong, confidence, pairs, base_rate, trained_on, proved_on, hits, hit_rate, wrong, needed_more, cosine_alone
    {threshold, hits, hit_rate, wrong}, encoder, data, profile_lines.

    Examples:

      synapse cache calibrate pairs.jsonl --max-wrong 10% -o prompts.similarity

      synapse cache calibrate pairs.jsonl.gz --max-wrong 2% --json | jq .hit_rate
    """
    from synapse_cli.lab.similarity.calibrate import calibrate as calibrated
    from synapse_cli.lab.similarity.certify import Aim
    from synapse_cli.lab.similarity.pairs import read
    from synapse_cli.lab.similarity.train import check
    from synapse_cli.learned.encoder import identity
    from synapse_cli.learned.similarity import save

    refuse_unwritable(output)
    aim = Aim(_share("--max-wrong", max_wrong, 0.0, 0.5), _share("--confidence", confidence, 0.5, 1.0))
    given = read(pairs)
    check()
    model, plan = _encoder(encoder, profile)
    found = calibrated(given, _vectors(given, model, plan, hosts=not no_host), identity(model), aim)
    sha256 = None
    if output is not None and found.similarity is not None:
        try:
            sha256 = save(output, found.similarity)
        except OSError as error:
            what = f"cannot write {output!r}: {error.strerror or error}"
            raise InputError(what, "name another file with -o") from error
    told = _calibrated(found, aim, model, output if sha256 else None, sha256)
    _show_calibrated(told, json=json)
    if found.similarity is None:
        raise _nothing(found, aim.max_wrong)


def evaluate(
    *,
    pairs: Pairs,
    similarity: Annotated[
        str | None,
        typer.Option("--similarity", metavar="FILE", help="What calibrate wrote [the profile's]."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", metavar="T", help="Another threshold; without a file of the cosine.")
    ] = None,
    max_wrong: Annotated[
        str | None, typer.Option("--max-wrong", metavar="SHARE", help="Exit with 100 where more of the hits are wrong.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw recall against wrong hits in the terminal.")] = False,
    svg: Annotated[str | None, typer.Option("--svg", metavar="FILE", help="Draw it as SVG.")] = None,
    png: Annotated[str | None, typer.Option("--png", metavar="FILE", help="Draw it as PNG (extra png).")] = None,
    encoder: Encoder = None,
    profile: ProfileName = None,
    no_host: NoHost = False,
    json: AsJson = False,
) -> None:
    """Measure how many pairs would share an answer, and how many wrongly.

    The bare cosine, without rules, stands beside it: with as many hits as it can have while no larger share of them is
    wrong here, a threshold that nobody knows beforehand.

    The keys of --json: schema_version, judge, threshold, promise, certified, pairs, base_rate, hits, hit_rate, wrong,
    wrong_rate {estimate, low, high}, recall, auc, cosine_alone {threshold, hits, hit_rate, wrong, recall, auc}, curves
    [{name, auc, points [{threshold, hit_rate, wrong_rate, recall}]}], limit, held.

    Examples:

      synapse cache eval held-out.jsonl --similarity prompts.similarity --plot

      synapse cache eval held-out.jsonl --threshold 0.95 --max-wrong 10% --json | jq .hit_rate
    """
    if png is not None:
        from synapse_cli.report.plot_png import check

        check()
    model, plan = _encoder(encoder, profile)
    judge = _judge(similarity, threshold, model, plan)
    limit = None if max_wrong is None else _share("--max-wrong", max_wrong, 0.0, 1.0)
    told, allowed = _measured(judge, pairs, limit, lambda given: _vectors(given, model, plan, hosts=not no_host))
    _show_evaluated(told, limit=allowed, json=json, plot=plot)
    _draw(told, allowed, svg, png)
    if told["held"] is False:
        what = f"{told['wrong']} of {told['hits']} hits are wrong, more than {limit:.3g}"
        raise ThresholdMissed(what, "synapse cache calibrate finds a threshold that is proved")


def _measured(
    judge: Similarity, paths: Sequence[str], limit: float | None, vectors: Callable[[Sequence[Pair]], Table]
) -> tuple[dict[str, Json], float]:
    """What is told of a judge on these pairs, and how wrong the cosine alone was allowed to be beside it."""
    from synapse_cli.lab.similarity import calibrate as judges
    from synapse_cli.lab.similarity import measure
    from synapse_cli.lab.similarity.pairs import read

    given = read(paths)
    table = vectors(given)
    scored, bare = judges.scored(given, table, judge), judges.bare_cosines(given, table)
    point = measure.at(scored, judge.threshold)
    allowed = _compared(judge, point, limit)
    name = "verifier" if judge.verifier is not None else "cosine with rules"
    curves = [measure.curve(name, scored), measure.curve("cosine alone", bare)]
    return _evaluated(judge, point, measure.most_hits(bare, allowed), curves, limit), allowed


def _share(flag: str, text: str, low: float, high: float) -> float:
    """`0.1` or `10%`, above `low` and below `high`. Raises UsageError."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not low < value < high:
        asked = f"{flag} takes a share above {low:.0%} and below {high:.0%}"
        raise UsageError(f"{asked}, found {text!r}", f"for example {flag} {'95%' if low else '10%'}")
    return round(value, 9)


def _encoder(name: str | None, profile: str | None) -> tuple[Model, Profile]:
    from synapse_cli.cli.embed import named_model
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness

    plan = find_profile(profile, Witness())
    return named_model(name or plan.cache.semantic.encoder, plan, too_long=None, dimensions=None), plan


def _vectors(given: Sequence[Pair], model: Model, plan: Profile, *, hosts: bool) -> Table:
    """The vector of each text, encoded once; later runs find them on disk."""
    from synapse_cli.cli.interruptible import interruptible
    from synapse_cli.core.control import Control
    from synapse_cli.lab.vectors import vectors
    from synapse_cli.report.problem import warn

    texts = list(dict.fromkeys(text for pair in given for text in (pair.first, pair.second)))
    control = Control()
    with interruptible(control):
        rows = vectors(texts, model, plan, control=control, hosts=hosts, warn=warn)
    return dict(zip(texts, rows, strict=True))


def _judge(path: str | None, threshold: float | None, model: Model, plan: Profile) -> Similarity:
    """The similarity of the flags, else of the profile. Raises UsageError, InputError."""
    from dataclasses import replace

    from synapse_cli.learned.encoder import identity
    from synapse_cli.learned.similarity import Similarity, load

    settings = plan.cache.semantic
    if threshold is not None and not 0 < threshold <= 1:
        raise UsageError(f"--threshold is above 0 and at most 1, found {threshold}", "for example --threshold 0.95")
    if path is None and threshold is None:
        path, threshold = settings.similarity, None if settings.similarity else settings.unsafe_threshold
    if path is None:
        if threshold is None:
            raise UsageError("what is to be measured?", "name a --similarity FILE, or a --threshold of the cosine")
        return Similarity(encoder=identity(model), threshold=threshold)
    found = load(path)
    if found.encoder != identity(model):
        raise UsageError(
            f"{path} compares vectors of {found.encoder}, not of {identity(model)}", "name that one with --encoder"
        )
    return found if threshold is None else replace(found, threshold=threshold, promise=None)


def _compared(judge: Similarity, point: Point, limit: float | None) -> float:
    """How wrong the cosine alone may be beside it: as the limit, the promise, or what was found."""
    if limit is not None:
        return limit
    if judge.promise is not None:
        return judge.promise.max_wrong
    return 0.0 if point.wrong_rate is None else point.wrong_rate.estimate


def _calibrated(found: Calibration, aim: Aim, model: Model, path: str | None, sha256: str | None) -> dict[str, Json]:
    made, proof, alone = found.similarity, found.proof, found.alone
    lines: list[Json] = ["[cache.semantic]", "enabled = true", f"similarity = {_json.dumps(path or 'FILE')}"]
    if model.source != "builtin:minilm":
        lines.append(f"encoder = {_json.dumps(model.name)}")
    return {
        "schema_version": 1,
        "file": path,
        "sha256": sha256,
        "certified": made is not None,
        "promise": None if made is None or made.promise is None else made.promise.text,
        "judge": found.judge,
        "threshold": proof.threshold,
        "max_wrong": aim.max_wrong,
        "confidence": aim.confidence,
        "pairs": found.pairs,
        "base_rate": found.base_rate,
        "trained_on": found.trained_on,
        "proved_on": proof.pairs,
        "hits": proof.hits,
        "hit_rate": proof.hits / proof.pairs if proof.pairs and made is not None else 0.0,
        "wrong": proof.wrong,
        "needed_more": found.more,
        "cosine_alone": {
            "threshold": alone.threshold,
            "hits": alone.hits,
            "hit_rate": alone.hits / alone.pairs if alone.threshold is not None else 0.0,
            "wrong": alone.wrong,
        },
        "encoder": model.name,
        "data": found.data,
        "profile_lines": lines if made is not None else [],
    }


def _show_calibrated(told: dict[str, Json], *, json: bool) -> None:
    from synapse_cli.report import similarity

    if json:
        typer.echo(_json.dumps(told, ensure_ascii=False))
        return
    for each in similarity.calibrated(told):
        typer.echo(each)
    lines = told["profile_lines"]
    if isinstance(lines, list) and lines:
        typer.echo("\n# for the profile:\n" + "\n".join(map(str, lines)))
        if told["file"] is None:
            typer.echo("synapse: nothing is written: name a file with -o", err=True)


def _nothing(found: Calibration, max_wrong: float) -> SynapseError:
    what = f"nothing is certified: {found.pairs:,} pairs do not show that at most {max_wrong:.3g} of hits are wrong"
    if found.more is None:
        return ThresholdMissed(what, "too many of the likest pairs are labelled otherwise: allow more with --max-wrong")
    return ThresholdMissed(what, f"about {found.more:,} more pairs such as these would, or a higher --max-wrong")


def _evaluated(
    judge: Similarity, point: Point, alone: Point, curves: Sequence[Curve], limit: float | None
) -> dict[str, Json]:
    rate = point.wrong_rate
    return {
        "schema_version": 1,
        "judge": "verifier" if judge.verifier is not None else "cosine",
        "threshold": judge.threshold,
        "promise": None if judge.promise is None else judge.promise.text,
        "certified": judge.promise is not None,
        "pairs": point.pairs,
        "base_rate": point.same / point.pairs,
        "hits": point.hits,
        "hit_rate": point.hit_rate,
        "wrong": point.wrong,
        "wrong_rate": None if rate is None else {"estimate": rate.estimate, "low": rate.low, "high": rate.high},
        "recall": point.recall,
        "auc": curves[0].auc,
        "cosine_alone": {
            "threshold": alone.threshold if alone.hits else None,
            "hits": alone.hits,
            "hit_rate": alone.hit_rate,
            "wrong": alone.wrong,
            "recall": alone.recall,
            "auc": curves[1].auc,
        },
        "curves": [_curve(each) for each in curves],
        "limit": limit,
        "held": None if limit is None else point.wrong <= limit * point.hits,
    }


def _curve(curve: Curve) -> dict[str, Json]:
    return {
        "name": curve.name,
        "auc": curve.auc,
        "points": [
            {
                "threshold": point.threshold,
                "hit_rate": point.hit_rate,
                "wrong_rate": point.wrong / point.hits,
                "recall": point.recall,
            }
            for point in curve.points
        ],
    }


def _show_evaluated(told: dict[str, Json], *, limit: float, json: bool, plot: bool) -> None:
    from synapse_cli.report import similarity

    if json:
        typer.echo(_json.dumps(told, ensure_ascii=False))
        return
    for each in similarity.evaluated(told):
        typer.echo(each)
    if plot:
        typer.echo("\n" + "\n".join(similarity.plot(_curves(told), limit or None)))


def _draw(told: dict[str, Json], limit: float, svg: str | None, png: str | None) -> None:
    if svg is None and png is None:
        return
    from synapse_cli.cli.output import write_file
    from synapse_cli.cli.sink import sink
    from synapse_cli.report import similarity
    from synapse_cli.report.plot_png import png as as_png

    subtitle = f"{told['pairs']} pairs, {told['hits']} hits at {told['threshold']:.4g}"
    picture = similarity.svg(_curves(told), "When two prompts are taken for one", subtitle, limit or None)
    if svg is not None:
        write_file(svg, picture)
    if png is not None:
        with sink(png) as put:
            put(as_png(picture))


def _curves(told: dict[str, Json]) -> list[dict[str, Json]]:
    curves = told["curves"]
    return [each for each in curves if isinstance(each, dict)] if isinstance(curves, list) else []
