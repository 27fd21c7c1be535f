"""Lists as people and as scripts read them: a table at a terminal, tab-separated fields in a pipe, JSON on demand."""

from __future__ import annotations

import json as _json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import typer

from synapse_cli.core.prompt import Json


def print_rows(rows: Sequence[dict[str, Json]], *, json: bool = False, jsonl: bool = False) -> bool:
    """Print one JSON array, or one object a line, if either was asked for; return whether it was."""
    if json:
        typer.echo(_json.dumps(list(rows), ensure_ascii=False))
    elif jsonl:
        for row in rows:
            typer.echo(_json.dumps(row, ensure_ascii=False))
    return json or jsonl


def print_table(
    header: tuple[str, ...], rows: Sequence[tuple[str, ...]], otherwise: str, *, numbers_from: int | None = None
) -> None:
    """Print rows; where there are none, say `otherwise` on stderr. Columns from `numbers_from` on stand right."""
    if not rows:
        typer.echo(otherwise, err=True)
    elif sys.stdout.isatty():
        _print_rich(header, rows, len(header) if numbers_from is None else numbers_from)
    else:
        for row in rows:
            typer.echo("\t".join(" ".join(cell.split()) for cell in row))


def visible(text: str) -> str:
    """A stored text as a terminal may see it: a model's words must not move the cursor. Verbatim in a pipe."""
    if not sys.stdout.isatty():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def as_age(instant: Json, now: float) -> str:
    """How long ago an instant was, for a terminal; in a pipe the instant itself. Takes ISO 8601 or seconds."""
    moment = datetime.fromtimestamp(instant, UTC) if isinstance(instant, int | float) else None
    moment = moment or datetime.fromisoformat(str(instant))
    if not sys.stdout.isatty():
        return moment.isoformat(timespec="seconds")
    return f"{_short(max(0.0, now - moment.timestamp()))} ago"


def as_span(seconds: float | None) -> str:
    """A span of time: `90 s`, `2 h`; in a pipe plain seconds."""
    if seconds is None:
        return "-"
    return _short(seconds) if sys.stdout.isatty() else f"{seconds:.0f}"


def as_size(size: int) -> str:
    """Bytes: `1.2 MB`; in a pipe the plain number."""
    if not sys.stdout.isatty() or size < 1000:
        return str(size)
    for unit in ("kB", "MB", "GB"):
        size_in_unit = size / 1000 ** ("kB", "MB", "GB").index(unit) / 1000
        if size_in_unit < 1000:
            break
    return f"{size_in_unit:.1f} {unit}"


def _short(seconds: float) -> str:
    for length, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _print_rich(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], numbers_from: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if _narrowest(header, rows) > console.width:
        _print_records(header, rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    first, *widths = _widths(header, rows, console.width)
    table.add_column(header[0], no_wrap=True, min_width=first)  # ids are there to be copied
    for place, (name, width) in enumerate(zip(header[1:], widths, strict=True), 1):
        table.add_column(name, justify="right" if place >= numbers_from else "left", width=width)
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))  # a Text is never read as markup
    console.print(table)


def _widths(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], room: int) -> list[int]:
    """Widths of columns that fit: the widest gives first, and none becomes narrower than its longest word.

    rich by itself cuts `accepted` before it breaks `6 min ago`.
    """
    from rich.cells import cell_len

    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    least = [widths[0], *(_longest_word(column) for column in columns[1:])]
    excess = sum(widths) + 2 * (len(widths) - 1) - room
    while excess > 0 and (able := [at for at, width in enumerate(widths) if width > least[at]]):
        widths[max(able, key=lambda at: widths[at])] -= 1
        excess -= 1
    return widths


def _longest_word(cells: Sequence[str]) -> int:
    from rich.cells import cell_len

    return max(cell_len(word) for cell in cells for word in (cell.split() or [""]))


def _narrowest(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> int:
    """The columns that a table takes in which no word is cut."""
    from rich.cells import cell_len

    others = zip(header[1:], *(row[1:] for row in rows), strict=True)
    return max(cell_len(row[0]) for row in rows) + sum(2 + _longest_word(column) for column in others)


def _print_records(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A block of lines for each row, where a table would have to cut words."""
    label = max(len(name) for name in header) + 2
    for row in rows:
        for name, cell in zip(header, row, strict=True):
            typer.echo(f"{name:<{label}}{visible(cell)}")
        typer.echo()
