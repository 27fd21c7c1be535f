"""`synapse trust`: allow a project's profile what only a trusted one may do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

T = TypeVar("T")


def trust(
    path: Annotated[
        str | None, typer.Argument(metavar="[PATH]", help="The profile; the project's own if left out.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Stop trusting it.")] = False,
    show: Annotated[bool, typer.Option("--list", help="List what is trusted.")] = False,
) -> None:
    """Show what a project's profile asks for, and trust it as it is now; any change to it ends the trust.

    Example:

      synapse trust ./synapse.toml
    """
    from synapse_cli.profile import trust as trusting
    from synapse_cli.profile.known import asks_for, project_file

    if show:
        for known in sorted(trusting.trusted(os.environ)):
            typer.echo(known)
        return
    target = project_file(path, cwd=os.getcwd())
    if remove:
        was_trusted = _written(lambda: trusting.distrust(target, os.environ))
        typer.echo(f"{target}: {'no longer trusted' if was_trusted else 'was not trusted'}")
        return
    files, dangers = asks_for(target)
    for file in files:
        typer.echo(f"{file.path}  sha256:{file.sha256[:12]}", err=True)
    for danger in dangers:
        typer.echo(f"  {danger.where}: {danger.what}", err=True)
    if not dangers:
        typer.echo("  asks for nothing that needs trust", err=True)
    _confirm(yes)
    _written(lambda: trusting.trust(files, os.environ))
    typer.echo(f"{target}: trusted as it is now")


def _written(change: Callable[[], T]) -> T:
    from synapse_cli.core.errors import InputError
    from synapse_cli.profile.trust import trust_file

    try:
        return change()
    except OSError as error:
        raise InputError(f"cannot write {trust_file(os.environ)!r}: {error.strerror}", "see synapse doctor") from error


def _confirm(yes: bool) -> None:
    """Ask at a terminal. Raises UsageError where nobody can be asked, NotAllowed where the answer is no."""
    from synapse_cli.core.errors import NotAllowed, UsageError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask", "read what it asks for, then: synapse trust --yes")
    if not typer.confirm("Trust it?", err=True):
        raise NotAllowed("not trusted", "nothing was changed")
