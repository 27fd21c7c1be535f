"""`synapse init`: write a first profile from what is found on this machine."""

from __future__ import annotations

import os
from typing import Annotated

import typer


def init(
    project: Annotated[bool, typer.Option("--project", help="Write ./synapse.toml, for this folder only.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a profile that is there.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Print it, and write nothing.")] = False,
) -> None:
    """Write a profile from the keys and models found here.

    It looks for the names of provider keys in the environment (never their values), GGUF files and a running Ollama,
    and explains each line that it writes.

    Example:

      synapse init --print
    """
    from synapse_cli.profile.draft import draft
    from synapse_cli.profile.known import write_default, write_project
    from synapse_cli.profile.survey import survey

    found = survey(cwd=os.getcwd(), env=os.environ)
    text = draft(found)
    if show:
        typer.echo(text, nl=False)
        return
    path = write_project(os.getcwd(), text, force=force) if project else write_default(os.environ, text, force=force)
    typer.echo(f"keys: {', '.join(found.variables) or 'none'}", err=True)
    typer.echo(f"GGUF files: {len(found.ggufs)}", err=True)
    typer.echo(f"Ollama: {found.ollama or 'not running'}", err=True)
    typer.echo(path)
