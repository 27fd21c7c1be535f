"""The flags of `tune`, declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from synapse_cli.cli.scope import Tenant

_FROM = "What is learned from"
_GOAL = "What is promised (one of them; --max-loss 1% otherwise)"
_HOW = "How"
_OUTPUT = "Output"


def _option(*names: str, help: str, panel: str, metavar: str | None = None) -> object:  # noqa: A002  # typer's own word
    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneFlags:
    """One field a flag, in the order of `--help`."""

    outcomes: Annotated[
        str | None,
        _option("--outcomes", help="A table of outcomes, gzip or plain [the ledger].", panel=_FROM, metavar="FILE"),
    ] = None
    since: Annotated[
        str | None, _option("--since", help="Of the ledger: from when on.", panel=_FROM, metavar="7d|2026-11-01")
    ] = None
    route: Annotated[
        str | None, _option("-r", "--route", help="Of the ledger: only this route.", panel=_FROM, metavar="NAME")
    ] = None
    tenant: Tenant = None
    max_loss: Annotated[
        str | None,
        _option("--max-loss", help="Points of mean score lost against --best.", panel=_GOAL, metavar="1%"),
    ] = None
    min_quality: Annotated[
        str | None, _option("--min-quality", help="Mean score, at least.", panel=_GOAL, metavar="0.95")
    ] = None
    max_cost: Annotated[
        str | None, _option("--max-cost", help="Mean dollars a request, at most.", panel=_GOAL, metavar="0.001")
    ] = None
    budget_share: Annotated[
        str | None,
        _option("--budget-share", help="Share of requests that reach the dearest model.", panel=_GOAL, metavar="30%"),
    ] = None
    confidence: Annotated[str, _option("--confidence", help="How sure that is to be.", panel=_GOAL, metavar="P")] = (
        "95%"
    )
    best: Annotated[
        str | None,
        _option("--best", help="The model to compare with [the best single one].", panel=_HOW, metavar="MODEL"),
    ] = None
    known: Annotated[
        str | None,
        _option("--from", help="Keep this policy's ways and predictor; test anew.", panel=_HOW, metavar="POLICY"),
    ] = None
    no_certify: Annotated[
        bool, _option("--no-certify", help="Make the best estimate, and mark it as that.", panel=_HOW)
    ] = False
    lexical: Annotated[bool, _option("--lexical", help="Words alone: no encoder is ever asked.", panel=_HOW)] = False
    encoder: Annotated[
        str | None, _option("--encoder", help="The encoder that is asked [MiniLM].", panel=_HOW, metavar="NAME")
    ] = None
    seed: Annotated[int, _option("--seed", help="Another division into fitted and tested rows.", panel=_HOW)] = 0
    profile: Annotated[
        str | None, _option("--profile", help="Where the encoder is found.", panel=_HOW, metavar="NAME|PATH")
    ] = None
    no_host: Annotated[bool, _option("--no-host", help="Encode in this process.", panel=_HOW)] = False
    output: Annotated[
        str | None, _option("-o", "--output", help="Write the policy here.", panel=_OUTPUT, metavar="POLICY")
    ] = None
    json: Annotated[bool, _option("--json", help="Print one JSON object.", panel=_OUTPUT)] = False
    svg: Annotated[str | None, _option("--svg", help="Draw cost and quality.", panel=_OUTPUT, metavar="FILE")] = None
    png: Annotated[str | None, _option("--png", help="The same as PNG.", panel=_OUTPUT, metavar="FILE")] = None
