"""`synapse log`: what was asked, decided and answered."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, Literal

import typer

from synapse_cli.cli import log_keeping, log_outcomes
from synapse_cli.cli.listing import as_age, print_rows, print_table, visible
from synapse_cli.cli.scope import Tenant
from synapse_cli.core.prompt import Json
from synapse_cli.ledger import reading, searching
from synapse_cli.profile.settings import LedgerSettings

app = typer.Typer(
    help="List, show, search, export and forget recorded runs.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Route = Annotated[str | None, typer.Option("-r", "--route", metavar="NAME", help="Only runs that took this route.")]
Model = Annotated[str | None, typer.Option("-m", "--model", metavar="NAME", help="Only runs this model answered.")]
Since = Annotated[str | None, typer.Option("--since", metavar="2h", help="Only runs of this long ago or less.")]
Status = Annotated[
    Literal["accepted", "rejected", "failed", "interrupted", "running", "in doubt"] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help="Only runs that ended so: accepted, rejected, failed, interrupted, running, in doubt.",
    ),
]
Most = Annotated[int, typer.Option("-n", "--most", metavar="N", min=0, help="At most this many, the newest; 0 is all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON array.")]
AsJsonl = Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")]
_LAG = 1000
"""Texts that the index does not know and that are looked at one by one: 10 ms."""
_COLUMNS = ("run", "when", "status", "route", "model", "tokens", "cost", "took")


@app.callback()
def log() -> None:
    """List, show, search, export and forget recorded runs."""


@app.command("list")
def list_runs(
    *,
    route: Route = None,
    model: Model = None,
    since: Since = None,
    status: Status = None,
    feedback: Annotated[
        Literal["good", "bad"] | None,
        typer.Option("--feedback", metavar="good|bad", help="Only runs whose answer was called so."),
    ] = None,
    tenant: Tenant = None,
    most: Most = 20,
    json: AsJson = False,
    jsonl: AsJsonl = False,
) -> None:
    """List recorded runs, newest first.

    Examples:

      synapse log list --since 2h --status rejected --json | jq -r '.[].run_id'

      synapse log list --feedback bad
    """
    now = time.time()
    wanted = _filter(route=route, model=model, since=since, status=status, tenant=tenant, most=most, now=now)
    wanted = replace(wanted, feedback=feedback)
    rows = reading.runs(_path(), wanted, now)
    if not print_rows(rows, json=json, jsonl=jsonl):
        is_narrowed = any(each is not None for each in (route, model, since, status, feedback, tenant))
        otherwise = "no recorded run is like that" if is_narrowed else "no run is recorded yet"
        print_table(_COLUMNS, [_cells(row, now) for row in rows], otherwise)


@app.command()
def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="An id, the beginning of one, or `last`.")] = "last",
    tenant: Tenant = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show one run: decision, attempts, prompt, answer.

    Example:

      synapse log show last --json | jq .escalations
    """
    found = reading.run(_path(), run, time.time(), tenant)
    if json:
        print_rows([found], jsonl=True)
    else:
        _print_run(found)


@app.command()
def last(
    tenant: Tenant = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the latest run: `synapse log show last`.

    Example:

      synapse log last --json | jq -r .answer
    """
    show("last", tenant, json)


@app.command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for; letter case does not matter.")],
    *,
    route: Route = None,
    model: Model = None,
    since: Since = None,
    status: Status = None,
    tenant: Tenant = None,
    most: Most = 20,
    json: AsJson = False,
    jsonl: AsJsonl = False,
) -> None:
    """Find runs by what was asked or answered, newest first.

    Example:

      synapse log search invoice --since 7d
    """
    now = time.time()
    wanted = _filter(route=route, model=model, since=since, status=status, tenant=tenant, most=most, now=now)
    _take_in()
    rows = searching.search(_path(), text, wanted, now, lambda line: typer.echo(line, err=True))
    if not print_rows(rows, json=json, jsonl=jsonl):
        columns = ("run", "when", "model", "found in", "passage")
        cells = [
            (str(r["run_id"]), as_age(r["started"], now), _or_dash(r["model"]), str(r["found_in"]), str(r["passage"]))
            for r in rows
        ]
        print_table(columns, cells, f"no recorded prompt or answer holds {text!r}")


app.command()(log_keeping.export)
app.command()(log_keeping.prune)
app.command()(log_keeping.vacuum)
app.command()(log_outcomes.outcomes)


def _path() -> str:
    from synapse_cli.ledger.schema import FILE
    from synapse_cli.profile.paths import state_dir

    return str(state_dir() / FILE)


def _take_in() -> None:
    """Let the index know what was said since it was last kept up, where that is a lot."""
    path = _path()
    if searching.lag(path) > _LAG:
        line = log_keeping.Line()
        searching.catch_up(path, LedgerSettings().max_size, lambda left: line.draw(f"{left} texts to index"))
        line.wipe()


def _filter(
    *,
    route: str | None,
    model: str | None,
    since: str | None,
    status: str | None,
    tenant: str | None,
    most: int,
    now: float,
) -> reading.Filter:
    from synapse_cli.core.errors import UsageError
    from synapse_cli.profile.units import duration_s

    try:
        start = None if since is None else now - duration_s(since)
    except ValueError as error:
        raise UsageError(f"--since takes {error}, found {since!r}", "for example --since 2h") from error
    return reading.Filter(route=route, model=model, status=status, since=start, tenant=tenant, most=most or None)


def _cells(row: reading.Row, now: float) -> tuple[str, ...]:
    return (
        str(row["run_id"]),
        as_age(row["started"], now).removesuffix(" ago"),  # eighty columns have no room for it
        _status(row),
        _or_dash(row["route"]),
        _or_dash(row["model"]),
        _tokens(row["tokens"]),
        _dollars(row["cost_usd"]),
        _took(row["latency_s"]),
    )


def _print_run(run: reading.Row) -> None:
    names = ("run_id", "started", "status", "exit_code", "route", "route_why", "tier", "model", "confidence")
    facts: dict[str, Json] = {name.replace("_", " "): run[name] for name in names}
    facts["cached"] = "memo" if run["memo"] else run["cached"]
    facts |= {"tokens": _tokens(run["tokens"]), "cost": _dollars(run["cost_usd"]), "took": _took(run["latency_s"])}
    if run["saved_usd"] is not None:
        facts["saved"] = _dollars(run["saved_usd"])
    for name, value in facts.items():
        typer.echo(f"{name:<11} {visible(_or_dash(value))}")
    error = run["error"]
    if isinstance(error, dict):
        typer.echo(f"{'error':<11} {visible(_or_dash(error['message'] or error['kind']))}")
    feedback = run["feedback"]
    if isinstance(feedback, dict):
        note = f": {feedback['note']}" if feedback["note"] else ""
        typer.echo(f"{'feedback':<11} {visible(str(feedback['verdict']) + note)}")
    for number, attempt in enumerate(_tables(run["attempts"]), 1):
        typer.echo(f"{f'attempt {number}':<11} {visible(_attempt(attempt))}")
    for number, call in enumerate(_tables(run["calls"]), 1):
        typer.echo(f"{f'call {number}':<11} {visible(_call(call))}")
    if isinstance(feedback, dict) and feedback["better"] is not None:
        typer.echo(f"\nbetter:\n{visible(str(feedback['better']))}", color=True)
    for name in ("system", "prompt", "answer"):
        if run[name] is not None:
            typer.echo(f"\n{name}:\n{visible(str(run[name]))}", color=True)  # else Typer strips what a pipe should get
        elif run.get(f"{name}_hash"):
            typer.echo(f"\n{name}: not kept, only its hash {run[f'{name}_hash']}")


def _attempt(attempt: dict[str, Json]) -> str:
    told = [str(attempt["tier"]), str(attempt["outcome"])]
    if attempt["confidence"] is not None:
        told.append(f"confidence {attempt['confidence']:.2f}")
    if attempt["outcome"] != "skipped":
        told += [_tokens(attempt["tokens"]) + " tokens", _dollars(attempt["cost_usd"]), _took(attempt["latency_s"])]
    if attempt["cached"]:
        told.append("cached")
    return " · ".join(told) + (f": {attempt['reason']}" if attempt["reason"] else "")


def _call(call: dict[str, Json]) -> str:
    told = [str(call["model"]), str(call["provider"])]
    told += [str(call[name]) for name in ("deployment",) if call[name]]
    if call["kind"] != "tier":
        told.append(f"for {call['kind']}")
    told.append(str(call["error"] or call["outcome"]))
    if call["latency_s"] is not None:
        told += [_tokens(call["tokens"]) + " tokens", _dollars(call["cost_usd"]), _took(call["latency_s"])]
    return " · ".join(told)


def _tables(value: Json) -> list[dict[str, Json]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _status(row: reading.Row) -> str:
    return (
        f"{row['status']} (memo)"
        if row["memo"]
        else f"{row['status']} (cached)"
        if row["cached"]
        else str(row["status"])
    )


def _tokens(value: Json) -> str:
    if not isinstance(value, dict) or value["input"] is None or value["output"] is None:
        return "?"
    return f"{'~' if value['estimated'] else ''}{value['input']}+{value['output']}"


def _dollars(value: Json) -> str:
    from decimal import Decimal

    from synapse_cli.report.numbers import dollars

    return dollars(Decimal(value) if isinstance(value, str) else None)


def _took(value: Json) -> str:
    from synapse_cli.report.numbers import seconds

    return seconds(float(value)) if isinstance(value, int | float) else "-"


def _or_dash(value: Json) -> str:
    return "-" if value is None else "yes" if value is True else "no" if value is False else str(value)
