"""`synapse cost`: what was spent, on whom, when, and what was saved."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from synapse_cli.core.errors import UsageError

_VIEW = "What is shown"
_ONLY = "Which runs count"
_OUTPUT = "Output"


def cost(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="With --plot: FILE.svg or FILE.png, else the terminal.")
    ] = None,
    *,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="NAME",
            rich_help_panel=_VIEW,
            help="day, month, hour, model, provider, route, tenant, outcome; several with commas.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="7d|2026-11-01|today|month|all", rich_help_panel=_VIEW, help="From when on [30 days]."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="DATE", rich_help_panel=_VIEW, help="Up to the end of that day or month."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="MODEL",
            rich_help_panel=_VIEW,
            help="Saved against sending everything to this model.",
        ),
    ] = None,
    plot: Annotated[
        bool, typer.Option("--plot", rich_help_panel=_VIEW, help="Draw it: in the terminal, or as FILE.")
    ] = False,
    model: Annotated[
        str | None, typer.Option("-m", "--model", metavar="NAME", rich_help_panel=_ONLY, help="Only of this model.")
    ] = None,
    route: Annotated[
        str | None, typer.Option("-r", "--route", metavar="NAME", rich_help_panel=_ONLY, help="Only of this route.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="NAME", rich_help_panel=_ONLY, help="Only of this provider.")
    ] = None,
    tenant: Annotated[
        str | None,
        typer.Option("--tenant", metavar="NAME", rich_help_panel=_ONLY, help="Only of this tenant [SYNAPSE_TENANT]."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="NAME|PATH", rich_help_panel=_ONLY, help="Where --against looks.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", rich_help_panel=_OUTPUT, help="Print one JSON object.")] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", rich_help_panel=_OUTPUT, help="Print one JSON object a line.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", rich_help_panel=_OUTPUT, help="Print CSV.")] = False,
) -> None:
    """Tell what was spent and saved, by day unless asked otherwise.

    Every call counts: retries, judges, rejected tiers. Runs whose texts are pruned still count. Dollars are what the
    provider reported or what its tokens cost then; a call whose price nobody knows is counted apart.

    Examples:

      synapse cost --by model --since month

      synapse cost --by day,model --json | jq -r '.total.cost_usd'

      synapse cost --against openai/gpt-5

      synapse cost --plot spent.png
    """
    from synapse_cli.cli.cost_asked import Asked, asked
    from synapse_cli.core.errors import SynapseError

    _refuse_contradictions(file, plot=plot, shapes=[json, jsonl, csv])
    wanted = Asked(
        by=_split(by or ["day"]),
        since=since,
        until=until,
        model=model,
        route=route,
        provider=provider,
        tenant=tenant or os.environ.get("SYNAPSE_TENANT") or None,
        against=against,
        profile=profile,
    )
    found = asked(wanted)
    from synapse_cli.cli import cost_shown

    try:
        cost_shown.show(found, json=json, jsonl=jsonl, csv=csv)
        if plot:
            cost_shown.draw(wanted, file)
    except SynapseError:
        sys.stdout.flush()
        raise


def _refuse_contradictions(file: str | None, *, plot: bool, shapes: list[bool]) -> None:
    if file is not None and not plot:
        raise UsageError(f"{file!r} is taken for a picture only with --plot", f"synapse cost --plot {file}")
    if sum(shapes) > 1:
        raise UsageError("--json, --jsonl and --csv contradict each other", "give one of them")
    if plot and file is None and any(shapes):
        raise UsageError("a plot in the terminal is no part of JSON or CSV", "name a file: --plot spent.svg")
    if file is not None and not file.lower().endswith((".svg", ".png")):
        raise UsageError(f"pictures are .svg or .png, found {file!r}", "for example --plot spent.svg")
    if file is not None and file.lower().endswith(".png"):
        from synapse_cli.report.plot_png import check

        check()


def _split(texts: list[str]) -> tuple[str, ...]:
    """The names of `--by`, each once. Raises UsageError for another one."""
    from synapse_cli.ledger.totals import DIMENSIONS

    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    for name in names:
        if name not in DIMENSIONS:
            import difflib

            near = difflib.get_close_matches(name, DIMENSIONS, n=1)
            said = f"did you mean {near[0]}? or " if near else ""
            raise UsageError(f"--by takes no {name!r}", f"{said}one of {', '.join(DIMENSIONS)}")
    return tuple(dict.fromkeys(names))
