"""`synapse similar`: which lines mean most nearly the same as a question?"""

from __future__ import annotations

from typing import Annotated

import typer

from synapse_cli.cli import embed_flags as flags
from synapse_cli.cli.embed import encoded, field_of, named_model
from synapse_cli.cli.listing import print_rows, print_table
from synapse_cli.cli.texts import Reading, Text, read_texts
from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Json


def similar(
    *,
    query: Annotated[str, typer.Argument(help="What to look for.", metavar="QUERY")],
    file: flags.Files = None,
    whole: Annotated[bool, typer.Option("--whole", help="Every file is one text, not every line.")] = False,
    jsonl: flags.Jsonl = False,
    field: flags.Field = None,
    top: Annotated[int, typer.Option("-n", "--top", help="How many to print; 0 prints all.", metavar="N")] = 10,
    least: Annotated[
        float | None, typer.Option("--min", help="Print none less similar than this.", metavar="0.4")
    ] = None,
    model: flags.ModelName = None,
    encoding: flags.Encoding = "utf-8",
    timeout: flags.Timeout = None,
    profile: flags.ProfileName = None,
    no_host: flags.NoHost = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    quiet: flags.Quiet = False,
) -> None:
    """Rank lines by how near they are in meaning to a question.

    Lines come from files or stdin; empty ones are passed over. What is printed is the cosine, then the line.

    Examples:

      synapse similar "money back" -f tickets.txt

      cat notes.txt | synapse similar "start-up time" --top 5

      synapse similar "how to install" -f 'docs/*.md' --whole --json
    """
    if top < 0:
        raise UsageError(f"--top takes a number from 0, found {top}", "for example --top 5")
    if not query.strip():
        raise UsageError("there is nothing to look for", 'for example: synapse similar "money back" -f tickets.txt')
    reading = Reading(lines=not whole and not jsonl, field=field_of(field, lines=whole, jsonl=jsonl), encoding=encoding)
    texts = [text for text in read_texts([], file or [], reading) if text.text.strip()]
    rows = _rows(texts, _cosines(query, texts, model, profile, timeout, hosts=not no_host, quiet=quiet), top, least)
    if not print_rows(rows, json=json):
        named = len({text.file for text in texts}) > 1
        header = ("cosine", *(("where",) if named else ()), "text")
        print_table(header, [_cells(row, named=named) for row in rows], "no line is similar")


def _cosines(
    query: str,
    texts: list[Text],
    name: str | None,
    profile: str | None,
    timeout: str | None,
    *,
    hosts: bool,
    quiet: bool,
) -> list[float]:
    from synapse_cli.backends.encoders import similarities
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness
    from synapse_cli.flows.encoding import joined
    from synapse_cli.report.problem import warn

    if not texts:
        return []
    plan = find_profile(profile, Witness())
    model = named_model(name, plan, too_long=None, dimensions=None)
    warnings: list[str] = []
    first, *rest = encoded(model, plan, [query, *(text.text for text in texts)], timeout, warnings, hosts=hosts)
    if not quiet:
        for message in dict.fromkeys(warnings):
            warn(message)
    return similarities(joined([first, *rest]))


def _rows(texts: list[Text], cosines: list[float], top: int, least: float | None) -> list[dict[str, Json]]:
    """The most similar first; of equals, the one that stands first."""
    order = sorted(range(len(texts)), key=lambda number: -cosines[number])
    kept = [number for number in order if least is None or cosines[number] >= least]
    rows: list[dict[str, Json]] = []
    for rank, number in enumerate(kept[: top or None], 1):
        text = texts[number]
        row: dict[str, Json] = {"rank": rank, "cosine": round(cosines[number], 6), "text": text.text}
        row |= {"file": text.file, "line": text.line}
        rows.append(row if text.record is None else {**row, "record": text.record})
    return rows


def _cells(row: dict[str, Json], *, named: bool) -> tuple[str, ...]:
    where = f"{row['file']}:{row['line']}" if row["line"] is not None else str(row["file"])
    return (f"{row['cosine']:.4f}", *((where,) if named else ()), str(row["text"]))
