"""`synapse models`: what the profile can ask, where it runs, and what it costs."""

from __future__ import annotations

from typing import Annotated

import typer

from synapse_cli.cli import models_files, models_names, models_pull
from synapse_cli.cli.listing import print_rows, print_table
from synapse_cli.core.prompt import Json
from synapse_cli.report.numbers import money

app = typer.Typer(
    help="Find, fetch, check and name models.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def models() -> None:
    """Find, fetch, check and name models."""


@app.command("list")
def list_models(
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")] = False,
) -> None:
    """List models: where each runs, its price, its state.

    The last column says whether it can be asked now, and if not, why.

    Example:

      synapse models list --json | jq -r '.[].name'
    """
    rows = _rows(profile)
    if not print_rows(rows, json=json, jsonl=jsonl):
        _print(rows)


def _rows(choice: str | None) -> list[dict[str, Json]]:
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.errors import SynapseError
    from synapse_cli.core.witness import Witness
    from synapse_cli.flows.ask import Ask
    from synapse_cli.flows.session import Session, model_path

    witness = Witness()
    profile = find_profile(choice, witness)
    session = Session(profile, Ask(prompt=""), witness)
    rows: list[dict[str, Json]] = []
    for model in profile.models.values():
        row: dict[str, Json] = {"name": model.name, "backend": model.backend, "model": model.model or model.source}
        try:
            facts = session.facts(model)
            row |= {
                "where": "local" if facts.is_local else "hosted",
                "window": facts.context_tokens,
                "input_usd_per_million": money(facts.price.input) if facts.price else None,
                "output_usd_per_million": money(facts.price.output) if facts.price else None,
                "notice": facts.notice,
            }
            session.check_keys(model)
            if (path := model_path(model)) is not None:
                from synapse_cli.backends.gguf import read_header

                read_header(path)
            row["problem"] = None
        except SynapseError as error:
            row["problem"] = error.message
        rows.append(row)
    return rows


def _print(rows: list[dict[str, Json]]) -> None:
    header = ("name", "where", "model", "window", "$ in/out per M", "now")
    print_table(header, [_cells(row) for row in rows], "the profile has no models")
    for row in rows:
        if row.get("notice"):
            typer.echo(f"{row['name']}: {row['notice']}", err=True)


def _cells(row: dict[str, Json]) -> tuple[str, ...]:
    price = f"{row.get('input_usd_per_million') or '?'} / {row.get('output_usd_per_million') or '?'}"
    return (
        str(row["name"]),
        str(row.get("where") or "?"),
        str(row["model"] or "-"),
        str(row.get("window") or "?"),
        "0" if price == "0 / 0" else price,
        str(row["problem"] or "ready"),
    )


app.command("pull")(models_pull.pull)
app.command("pin")(models_pull.pin)
app.command("rollback")(models_pull.rollback)
app.command("add")(models_names.add)
app.command("scan")(models_names.scan)
app.command("alias")(models_names.alias)
app.command("path")(models_files.path)
app.command("verify")(models_files.verify)
app.command("rm")(models_files.rm)
app.command("prune")(models_files.prune)
