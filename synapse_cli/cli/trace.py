"""`synapse trace`: what happened within a run, in time."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from synapse_cli.cli.listing import print_rows
from synapse_cli.cli.looking import has_colour, ledger_path, width
from synapse_cli.cli.scope import Tenant


def trace(
    run: Annotated[str, typer.Argument(metavar="RUN", help="An id, the beginning of one, or `last`.")] = "last",
    *,
    text: Annotated[bool, typer.Option("--text", help="Add prompt and answers, each line cut to the width.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Add prompt and answers whole.")] = False,
    tenant: Tenant = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour.")] = False,
) -> None:
    """Show what happened within a run: its decision, attempts, calls and pauses, in time.

    Examples:

      synapse trace

      synapse trace last --text

      synapse trace last --json | jq '.root.children[].took_s'
    """
    from synapse_cli.ledger import reading
    from synapse_cli.report.trace import tree

    found = reading.run(ledger_path(), run, time.time(), tenant)
    span = tree(found, has_text=text or full)
    if json:
        names = ("run_id", "started", "status", "exit_code", "route", "tier", "model", "version", "feedback")
        print_rows([{"schema_version": 1, **{name: found[name] for name in names}, "root": span.as_json()}], jsonl=True)
        return
    from synapse_cli.report.cells import Painter
    from synapse_cli.report.trace_tree import Picture

    picture = Picture(found, span, width=width(), paint=Painter(has_colour=has_colour(no_color=no_color)), is_full=full)
    for line in picture.lines():
        sys.stdout.write(line + "\n")
