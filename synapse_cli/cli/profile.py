"""`synapse profile`: list, show, check, choose and write profiles."""

from __future__ import annotations

import json as _json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.init import init

if TYPE_CHECKING:
    from synapse_cli.core.errors import Problem
    from synapse_cli.profile.model import Profile

app = typer.Typer(
    help="List, show, check and write profiles.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init)

_Choice = Annotated[
    str | None, typer.Argument(metavar="[NAME|PATH]", help="A profile; the one that `run` would follow if left out.")
]


@app.callback()
def profile() -> None:
    """List, show, check and write profiles."""


@app.command("list")
def list_profiles(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")] = False,
) -> None:
    """List the profiles there are; `*` marks the active one.

    Those that can be chosen by name, and the project's own; `run` follows the active one.

    Example:

      synapse profile list --json | jq -r '.[].name'
    """
    from synapse_cli.profile.known import known

    rows = known(cwd=os.getcwd(), env=os.environ)
    if json:
        typer.echo(_json.dumps([row.as_json() for row in rows], ensure_ascii=False))
    elif jsonl:
        for row in rows:
            typer.echo(_json.dumps(row.as_json(), ensure_ascii=False))
    else:
        width = max((len(row.name) for row in rows), default=0)
        for row in rows:
            typer.echo(f"{'*' if row.active else ' '} {row.name:<{width}}  {row.origin:<8}  {row.path}")


@app.command()
def show(
    choice: _Choice = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of TOML.")] = False,
) -> None:
    """Print a profile with all that it extends.

    The values of headers are left out, since they may be secret.

    Example:

      synapse profile show thrifty > mine.toml
    """
    from synapse_cli.profile.show import as_toml, effective

    table = effective(choice, cwd=os.getcwd(), env=os.environ)
    typer.echo(_json.dumps(table, ensure_ascii=False, default=str) if json else as_toml(table), nl=json)


@app.command()
def check(choice: _Choice = None) -> None:
    """Say all that is wrong with a profile; exit 78 if so.

    Example:

      synapse profile check ./synapse.toml
    """
    from synapse_cli.core.witness import Witness
    from synapse_cli.profile.load import load

    found = load(choice, cwd=os.getcwd(), env=os.environ, witness=Witness(), use_compiled=False)
    _check_policies(found)
    for warning in found.warnings:
        typer.echo(f"synapse: warning: {warning}", err=True)
    tables = (("model", found.models), ("route", found.routes), ("cascade", found.cascades))
    counts = ", ".join(f"{len(table)} {name}{'' if len(table) == 1 else 's'}" for name, table in tables)
    typer.echo(f"{found.path}: ok ({counts})")


def _check_policies(found: Profile) -> None:
    """Read what the routes' policies say: a run would find out only when it takes the route. Raises ProfileError."""
    from synapse_cli.core.errors import ProfileError
    from synapse_cli.core.witness import Witness
    from synapse_cli.flows.deciding import read

    problems: list[Problem] = []
    for route in found.routes.values():
        if route.policy is not None:
            try:
                read(found, route.name, Witness())
            except ProfileError as error:
                problems += error.problems
    if problems:
        raise ProfileError(tuple(problems))


@app.command()
def path(choice: _Choice = None) -> None:
    """Print the file of a profile.

    Example:

      $EDITOR "$(synapse profile path)"
    """
    from synapse_cli.core.witness import Witness
    from synapse_cli.profile.find import find

    typer.echo(find(choice, cwd=os.getcwd(), env=os.environ, witness=Witness()).path)


@app.command()
def schema() -> None:
    """Print the JSON Schema of profiles, for editors.

    Example:

      synapse profile schema > synapse.schema.json
    """
    from synapse_cli.profile.schema import json_schema

    typer.echo(_json.dumps(json_schema(), indent=2))


@app.command()
def use(
    choice: Annotated[str, typer.Argument(metavar="NAME|PATH", help="The profile to follow from now on.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a default profile of your own.")] = False,
) -> None:
    """Make a profile your default.

    It is checked first; a default that you wrote yourself is not overwritten.

    Example:

      synapse profile use offline
    """
    from synapse_cli.profile.known import use as make_default

    typer.echo(make_default(choice, cwd=os.getcwd(), env=os.environ, force=force))
