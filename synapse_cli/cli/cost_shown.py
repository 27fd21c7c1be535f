"""Print what `synapse cost` found, and draw it."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import typer

from synapse_cli.cli.listing import print_table
from synapse_cli.cli.output import write, write_file
from synapse_cli.core.prompt import Json
from synapse_cli.report import cost as told
from synapse_cli.report.cost import Cost

if TYPE_CHECKING:
    from synapse_cli.cli.cost_asked import Asked
    from synapse_cli.report.cost_chart import Chart


def show(cost: Cost, *, json: bool, jsonl: bool, csv: bool) -> None:
    """Print the shape that was asked for; a table is followed, on stderr, by what its numbers rest on."""
    import json as _json

    if json:
        write(_json.dumps(told.as_json(cost), ensure_ascii=False) + "\n")
    elif jsonl:
        rows: list[dict[str, Json]] = [told.row_json(cost, row) for row in cost.rows]
        write("".join(_json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    elif csv:
        write(told.csv(cost))
    else:
        lines = told.cells(cost, for_people=sys.stdout.isatty())
        print_table(told.header(cost), lines, "" if lines else _nothing(cost), numbers_from=len(cost.by))
        for line in told.notes(cost) if cost.rows else ():
            typer.echo(line, err=True)


def draw(wanted: Asked, path: str | None) -> None:
    """Draw it in the terminal, or as a file whose ending says its kind."""
    from dataclasses import replace

    from synapse_cli.cli.cost_asked import asked
    from synapse_cli.report.cost_chart import TIMES, chart

    time = next((name for name in wanted.by if name in TIMES), "day")
    over = next((name for name in wanted.by if name not in TIMES), "model")
    cost = asked(replace(wanted, by=(time, over), against=None))
    drawn = chart(cost.rows, time, over)
    if path is not None:
        _draw_file(path, drawn, cost)
    elif drawn.columns:
        from synapse_cli.report.cost_bars import bars

        at_terminal = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns if at_terminal else 100
        write("\n".join(["", *bars(drawn, width, colour=at_terminal and _wants_colour())]) + "\n")


def _draw_file(path: str, drawn: Chart, cost: Cost) -> None:
    from synapse_cli.report.cost_svg import svg

    picture = svg(
        drawn, "What was spent" if drawn.unit == "dollars" else "What was asked", _subtitle(cost), _foot(cost)
    )
    if not path.lower().endswith(".png"):
        write_file(path, picture)
        return
    from synapse_cli.cli.sink import sink
    from synapse_cli.report.plot_png import png

    data = png(picture)
    with sink(path) as put:
        put(data)


def _subtitle(cost: Cost) -> str:
    from decimal import Decimal

    from synapse_cli.report.numbers import dollars

    total = cost.total
    parts = [cost.span, f"{dollars(Decimal(total.cost))} in all", f"{total.runs:,} runs", f"{total.calls:,} calls"]
    return " · ".join([*parts, f"saved {dollars(Decimal(total.saved))}"])


def _foot(cost: Cost) -> list[str]:
    total = cost.total
    unknown = f"not in it: calls of unknown cost ({total.cost_unknown:,})" if total.cost_unknown else ""
    return [each for each in (told.SAVED, unknown) if each]


def _nothing(cost: Cost) -> str:
    from synapse_cli.cli.cost_asked import ledger
    from synapse_cli.ledger.totals import totals

    if any(row.runs for row in totals(ledger(), histograms=False)):
        return f"no run is recorded for that ({cost.span}); --since all looks at everything"
    return 'no run is recorded yet: synapse run "Say hello" records one'


def _wants_colour() -> bool:
    import os

    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
