"""`synapse route`: which routes there are, and how well they are told apart."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.flags import spelled_out, takes_flags
from synapse_cli.cli.sink import refuse_unwritable
from synapse_cli.core.errors import ModelMissing, ThresholdMissed, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synapse_cli.core.prompt import Json
    from synapse_cli.core.vectors import Vectors
    from synapse_cli.lab.route_eval.figures import Figures
    from synapse_cli.lab.route_eval.measure import Encode, Measured
    from synapse_cli.profile.model import Model, Profile, Route
    from synapse_cli.report.route_eval import Told

HELP = """List routes, and measure how well prompts find theirs.

A route is found by rules, by examples (their words, then their meaning), or by a judge; see [routing] and [routes].
"""
app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_WHAT = "What is measured"
_OUTPUT = "Output"


def _option(*names: str, help: str, panel: str, metavar: str | None = None) -> object:  # noqa: A002  # typer's own word
    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalFlags:
    """One field a flag, in the order of `--help`."""

    test: Annotated[
        str | None,
        _option("--test", help='Rows of {"text", "route"}; - is stdin (gzip too).', panel=_WHAT, metavar="FILE"),
    ] = None
    examples: Annotated[
        str | None,
        _option(
            "--examples", help="Routes are the labels of these rows, not the profile's.", panel=_WHAT, metavar="FILE"
        ),
    ] = None
    reject: Annotated[
        str | None,
        _option(
            "--reject", help="Share in scope that may be rejected [routing.out_of_scope].", panel=_WHAT, metavar="5%"
        ),
    ] = None
    encoder: Annotated[
        str | None,
        _option("--encoder", help="Whose vectors are compared [routing.encoder].", panel=_WHAT, metavar="NAME"),
    ] = None
    lexical: Annotated[bool, _option("--lexical", help="Words alone: no encoder is asked.", panel=_WHAT)] = False
    profile: Annotated[str | None, _option("--profile", help="Profile to use.", panel=_WHAT, metavar="NAME|PATH")] = (
        None
    )
    no_host: Annotated[bool, _option("--no-host", help="Encode in this process.", panel=_WHAT)] = False
    min_accuracy: Annotated[
        str | None, _option("--min-accuracy", help="Exit 100 where accuracy is less.", panel=_OUTPUT, metavar="0.9")
    ] = None
    min_recall: Annotated[
        str | None,
        _option(
            "--min-recall", help="Exit 100 where less of what is out of scope is found.", panel=_OUTPUT, metavar="0.8"
        ),
    ] = None
    svg: Annotated[
        str | None, _option("--svg", help="Draw confusions and calibration.", panel=_OUTPUT, metavar="FILE")
    ] = None
    png: Annotated[str | None, _option("--png", help="The same as PNG (extra png).", panel=_OUTPUT, metavar="FILE")] = (
        None
    )
    quiet: Annotated[bool, _option("-q", "--quiet", help="No notices on stderr.", panel=_OUTPUT)] = False
    json: Annotated[bool, _option("--json", help="Print one JSON object.", panel=_OUTPUT)] = False


@app.callback()
def route() -> None:
    """List routes, and measure how well prompts find theirs."""


@takes_flags
def evaluate(flags: EvalFlags) -> int:
    """Measure how well prompts find their route, against labels.

    Rows are {"text": "…", "route": "NAME"}, one a line; "prompt" stands for text, "intent" or "label" for route, and
    "oos" marks what belongs to no route. With --examples the routes are learned from those rows, else from the profile,
    whose rules and judge then take part: a judge's calls cost what they cost.

    Accuracy is the share of prompts in scope whose likeliest route is theirs. Out-of-scope recall is the share of the
    others that is rejected, by a threshold that the examples calibrate: no test row takes part in it.

    --json has: accuracy, accuracy_95, accuracy_decided (a rejected prompt is wrong), reject, rejected_in_scope,
    oos_recall, oos_recall_at_reject (had exactly that share of the test been rejected), ece, encoder, cpu_ms,
    deciding[{router, rows, right, cpu_ms}], beside[{router, accuracy, oos_recall_at_reject}], routes[{route, rows,
    taken, precision, recall}], confusions[{wanted, got, rows, example}], matrix{names, rows}, calibration[{confidence,
    accuracy, rows}], learned (what the router says of itself), warnings.

    Examples:

      synapse route eval --test labelled.jsonl

      synapse route eval --examples train.jsonl --test test.jsonl.gz --reject 5% --min-accuracy 0.9

      synapse route eval --test labelled.jsonl --svg confusion.svg
    """
    import json

    from synapse_cli.cli.output import write
    from synapse_cli.report import route_eval

    least = _share(flags.min_accuracy, "--min-accuracy"), _share(flags.min_recall, "--min-recall")
    for path in (flags.svg, flags.png):
        refuse_unwritable(path)
    if flags.png is not None:
        from synapse_cli.report.plot_png import check

        check()
    told = _told(flags)
    _draw(flags, told)
    shown = json.dumps(route_eval.as_json(told), ensure_ascii=False) if flags.json else "\n".join(route_eval.page(told))
    write(shown + "\n")
    if not flags.quiet:
        _warn(told.warnings)
    _hold(told, *least)
    return 0


app.command("eval")(spelled_out(evaluate))


@app.command("list")
def list_routes(
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")] = False,
) -> None:
    """List the profile's routes: how each is found, and where it leads.

    Examples:

      synapse route list

      synapse route list --json | jq '.[] | select(.examples > 0) | .route'
    """
    from synapse_cli.cli.listing import print_rows, print_table
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness

    found = find_profile(profile, Witness())
    rows = [_listed(each, found) for each in found.routes.values()]
    if not print_rows(rows, json=json, jsonl=jsonl):
        header = ("route", "found by", "examples", "leads to")
        cells = [(_cell(row["route"]), _found_by(row), _cell(row["examples"]), _cell(row["leads_to"])) for row in rows]
        print_table(header, cells, "the profile has no routes")


def _listed(route: Route, profile: Profile) -> dict[str, Json]:
    from synapse_cli.profile.model import When

    when = None if route.when in {None, When()} else route.when
    conditions = (
        [] if when is None else [name for name in When.__slots__ if getattr(when, name) != getattr(When(), name)]
    )
    leads = route.use or " ".join(route.run) or None
    return {
        "route": route.name,
        "is_default": route.name == profile.defaults.route,
        "conditions": list(conditions),
        "examples": len(route.examples),
        "leads_to": leads,
        "fallback": list(route.fallback),
        "policy": route.policy,
    }


def _found_by(row: dict[str, Json]) -> str:
    conditions = row["conditions"]
    assert isinstance(conditions, list)
    ways = [
        *(["rules: " + ", ".join(map(str, conditions))] if conditions else []),
        *(["examples"] if row["examples"] else []),
    ]
    return "; ".join([*ways, *(["default"] if row["is_default"] else [])]) or "--route only"


def _cell(value: Json) -> str:
    return "-" if value is None else str(value)


def _told(flags: EvalFlags) -> Told:
    """Learn, ask, add up."""
    from dataclasses import replace

    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.events import Event, Learning
    from synapse_cli.core.witness import Witness
    from synapse_cli.lab.route_eval.figures import figures
    from synapse_cli.lab.route_eval.measure import measure, of_examples
    from synapse_cli.lab.route_eval.rows import read
    from synapse_cli.report.counting import Counting

    reject = _share(flags.reject, "--reject")
    if flags.test is None:
        raise UsageError("there is nothing to test with", "name labelled rows: synapse route eval --test FILE")
    profile = find_profile(flags.profile, Witness())
    rows = read(flags.test)
    if reject is None:
        reject = profile.routing.out_of_scope
    encoder = flags.encoder or profile.routing.encoder
    profile = replace(profile, routing=replace(profile.routing, out_of_scope=reject, encoder=encoder))
    if flags.examples is not None:
        profile = of_examples(read(flags.examples), profile, reject)
    notices: list[str] = []
    encode, model = _encoding(flags, profile, [row.text for row in rows], notices)
    with Counting("learning the routes, in percent", 100) as learning, Counting("routing", len(rows)) as counting:

        def listen(event: Event) -> None:
            if isinstance(event, Learning):
                learning.reached(100 * event.done // max(1, event.total))

        measured = measure(
            profile,
            rows,
            encode=encode,
            encoder=None if model is None else model.source or model.model or model.name,
            hosts=not flags.no_host,
            tell=counting.reached,
            listen=listen,
        )
    return _as_told(flags, profile, measured, figures(measured), notices)


def _encoding(
    flags: EvalFlags, profile: Profile, texts: Sequence[str], notices: list[str]
) -> tuple[Encode | None, Model | None]:
    """Vectors of any of these texts and of the examples, kept on disk; none where there is no encoder."""
    wanted = profile.routing.order is None or "semantic" in profile.routing.order
    examples = [text for route in profile.routes.values() for text in route.examples]
    if flags.lexical or not wanted or not examples:
        return None, None
    from synapse_cli.flows.encoding import find_model
    from synapse_cli.lab.vectors import vectors

    model = find_model(profile.routing.encoder, profile)
    every = list(dict.fromkeys((*examples, *texts)))
    try:
        found = vectors(every, model, profile, hosts=not flags.no_host, warn=notices.append)
    except ModelMissing as error:
        if flags.encoder is not None:
            raise
        notices.append(f"routes are told by words alone: {error.message} ({error.hint})")
        return None, None
    places = {text: place for place, text in enumerate(every)}
    wide = found.shape[1]

    def encode(asked: Sequence[str]) -> Vectors:
        from synapse_cli.core.vectors import Vectors

        own = found[[places[text] for text in asked]] if all(text in places for text in asked) else None
        if own is None:
            own = vectors(asked, model, profile, hosts=not flags.no_host)
        return Vectors(dimension=wide, packed=own.astype("<f4").tobytes())

    return encode, model


def _as_told(flags: EvalFlags, profile: Profile, measured: Measured, sums: Figures, notices: Sequence[str]) -> Told:
    from synapse_cli.report.route_eval import Told

    source = os.path.basename(flags.examples) if flags.examples is not None else profile.name
    return Told(
        source=source,
        test=os.path.basename(flags.test or "-"),
        rows=sums.rows,
        in_scope=sums.in_scope,
        out_of_scope=sums.out_of_scope,
        accuracy=sums.accuracy,
        interval=sums.interval,
        decided=sums.decided,
        rejected=sums.rejected,
        recall=sums.recall,
        recall_at=sums.recall_at,
        reject=sums.reject,
        routes=tuple((each.route, each.rows, each.taken, each.precision, each.recall) for each in sums.routes),
        confusions=tuple((each.wanted, each.got, each.rows, each.example) for each in sums.confusions),
        names=sums.names,
        matrix=sums.matrix,
        ece=sums.ece,
        bins=tuple((each.confidence, each.accuracy, each.rows) for each in sums.bins),
        deciding=tuple((each.by, each.rows, each.right, each.cpu_ms) for each in sums.deciding),
        beside=tuple((each.name, each.accuracy, each.recall) for each in sums.beside),
        cpu_ms=sums.cpu_ms,
        encoder=measured.encoder,
        facts=dict(measured.facts),
        warnings=tuple(dict.fromkeys((*notices, *measured.warnings))),
    )


def _draw(flags: EvalFlags, told: Told) -> None:
    from synapse_cli.report import route_eval

    if flags.svg is not None:
        from synapse_cli.cli.output import write_file

        write_file(flags.svg, route_eval.svg(told))
    if flags.png is not None:
        from synapse_cli.cli.sink import sink
        from synapse_cli.report.plot_png import png

        with sink(flags.png) as put:
            put(png(route_eval.svg(told)))


def _hold(told: Told, accuracy: float | None, recall: float | None) -> None:
    """Raise ThresholdMissed where less was found than was asked for; what cannot be told is not held."""
    missed = []
    for name, found, least in (("accuracy", told.accuracy, accuracy), ("out-of-scope recall", told.recall, recall)):
        if least is not None and (found is None or found < least):
            said = "unknown" if found is None else f"{found:.4f}"
            missed.append(f"{name} is {said}, wanted at least {least:g}")
    if missed:
        raise ThresholdMissed("; ".join(missed), "the confusions say which routes want more examples")


def _share(typed: str | None, flag: str) -> float | None:
    """A share typed as `5%` or `0.05`. Raises UsageError."""
    if typed is None:
        return None
    try:
        value = float(typed.removesuffix("%")) / (100 if typed.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"{flag} takes a share, found {typed!r}", f"for example {flag} 5% or {flag} 0.05")
    return value


def _warn(messages: Sequence[str]) -> None:
    from synapse_cli.report.problem import warn

    for message in messages:
        warn(message)
