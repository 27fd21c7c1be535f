"""Print a bench: a table with bars, or the shape that a script asked for; and draw its picture."""

from __future__ import annotations

import os
import sys

from synapse_cli.cli.bench_flags import BenchFlags
from synapse_cli.lab.bench.course import Plan
from synapse_cli.report.bench import Told
from synapse_cli.report.problem import warn


def show(flags: BenchFlags, shape: str, told: Told) -> None:
    """Print the result on stdout."""
    import json

    from synapse_cli.cli.output import write
    from synapse_cli.report import bench, bench_table

    match shape:
        case "json":
            write(json.dumps(bench.as_json(told), ensure_ascii=False) + "\n")
        case "jsonl":
            for figures in told.figures:
                write(json.dumps(bench.candidate_json(figures), ensure_ascii=False) + "\n")
        case "csv":
            write(bench_table.csv(told))
        case "markdown":
            write(bench_table.markdown(told))
        case _:
            write("\n".join(_table(flags, told)) + "\n")


def draw(flags: BenchFlags, told: Told) -> None:
    """Write the picture: a PNG where its name says so and the extra is there, else an SVG."""
    if flags.plot is None:
        return
    from synapse_cli.cli.output import write_file
    from synapse_cli.report.bench_table import how
    from synapse_cli.report.plot import chart
    from synapse_cli.report.plot_svg import svg

    path = flags.plot
    is_png = path.lower().endswith(".png")
    if not is_png and not path.lower().endswith(".svg"):
        path = f"{os.path.splitext(path)[0]}.svg"
        if not flags.quiet:
            warn(f"pictures are .svg or .png: it is {path}, which any browser prints as another kind")
    drawn = chart(told.figures)
    title = "Time, quality and money" if drawn.upwards == "quality" else "Time and money"
    picture = svg(drawn, title, how(told))
    if not is_png:
        write_file(path, picture)
        return
    from synapse_cli.cli.sink import sink
    from synapse_cli.report.plot_png import png

    with sink(path) as put:
        put(png(picture))


def show_foretold(plan: Plan) -> None:
    """`--dry-run`: one line a candidate."""
    from synapse_cli.cli.listing import print_table
    from synapse_cli.lab.bench.foretold import foretell
    from synapse_cli.report.numbers import dollars

    header = ("candidate", "calls", "at most")
    print_table(header, [(each.label, str(each.calls), dollars(each.at_most)) for each in foretell(plan)], "")


def _table(flags: BenchFlags, told: Told) -> list[str]:
    """The table, and bars below it: at a terminal, or where they are asked for."""
    import shutil

    from synapse_cli.report.bench_bars import bars
    from synapse_cli.report.bench_table import lines

    at_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns
    wants_bars = at_terminal if flags.bars is None else flags.bars
    return [*lines(told, width if at_terminal else None), *(bars(told, width) if wants_bars else [])]
