"""The flags of `cost`, declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from synapse_cli.cli.scope import Tenant

_VIEW = "What is shown"
_ONLY = "Which calls count"
_OUTPUT = "Output"


def _option(*names: str, help: str, panel: str, metavar: str | None = None) -> object:  # noqa: A002  # typer's own word
    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFlags:
    """One field a flag, in the order of `--help`."""

    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="With --plot: FILE.svg or FILE.png, else the terminal.")
    ] = None
    by: Annotated[
        list[str] | None,
        _option(
            "--by",
            help="day, month, hour, model, provider, route, tenant, outcome; several with commas.",
            panel=_VIEW,
            metavar="NAME",
        ),
    ] = None
    since: Annotated[
        str | None,
        _option("--since", help="From when on [30 days].", panel=_VIEW, metavar="7d|2026-11-01|today|month|all"),
    ] = None
    until: Annotated[
        str | None, _option("--until", help="Up to the end of that day or month.", panel=_VIEW, metavar="DATE")
    ] = None
    against: Annotated[
        str | None,
        _option("--against", help="Saved against sending everything to this model.", panel=_VIEW, metavar="MODEL"),
    ] = None
    plot: Annotated[bool, _option("--plot", help="Draw it: in the terminal, or as FILE.", panel=_VIEW)] = False
    model: Annotated[str | None, _option("-m", "--model", help="Only of this model.", panel=_ONLY, metavar="NAME")] = (
        None
    )
    route: Annotated[str | None, _option("-r", "--route", help="Only of this route.", panel=_ONLY, metavar="NAME")] = (
        None
    )
    provider: Annotated[
        str | None, _option("--provider", help="Only of this provider.", panel=_ONLY, metavar="NAME")
    ] = None
    tenant: Tenant = None
    profile: Annotated[
        str | None, _option("--profile", help="Where --against looks.", panel=_ONLY, metavar="NAME|PATH")
    ] = None
    json: Annotated[bool, _option("--json", help="Print one JSON object.", panel=_OUTPUT)] = False
    jsonl: Annotated[bool, _option("--jsonl", help="Print one JSON object a line.", panel=_OUTPUT)] = False
    csv: Annotated[bool, _option("--csv", help="Print CSV.", panel=_OUTPUT)] = False
