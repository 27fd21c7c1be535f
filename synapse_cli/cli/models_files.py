"""`synapse models path`, `verify`, `rm`, `prune`: the files of the store."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.listing import as_size, print_rows, print_table
from synapse_cli.cli.models_named import meant, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synapse_cli.backends.catalog_clean import Removal
    from synapse_cli.backends.catalog_lock import File
    from synapse_cli.backends.catalog_verify import Verified
    from synapse_cli.core.prompt import Json
    from synapse_cli.profile.model import Model

_PROFILE = typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")
_JSON = typer.Option("--json", help="Print one JSON array.")
_JSONL = typer.Option("--jsonl", help="Print one JSON object a line.")
_DRY = typer.Option("--dry-run", help="Say what would go, and delete nothing.")
_YES = typer.Option("-y", "--yes", help="Do not ask.")


def path(
    name: Annotated[str, typer.Argument(metavar="NAME|SOURCE", help="A model's name or source.")],
    profile: Annotated[str | None, _PROFILE] = None,
) -> None:
    """Print where a model's file is.

    Of a pulled one only after proof that it is what was pulled.

    Example:

      ls -l "$(synapse models path small)"
    """
    from synapse_cli.backends.catalog_paths import there
    from synapse_cli.backends.gguf import read_header

    model = meant(name, profile)
    source_of(model)
    found = there(model)
    read_header(found, "any")
    typer.echo(found)


def verify(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One model; all that are stored.")] = None,
    profile: Annotated[str | None, _PROFILE] = None,
    json: Annotated[bool, _JSON] = False,
    jsonl: Annotated[bool, _JSONL] = False,
) -> None:
    """Read stored models again and compare their hashes.

    Ends with 69 where one is damaged or missing.

    Example:

      synapse models verify || synapse models pull small
    """
    from synapse_cli.backends import catalog_verify
    from synapse_cli.core.errors import ModelUnusable

    files = catalog_verify.stored() if name is None else _pinned_files(meant(name, profile))
    rows = list(catalog_verify.verify(files))
    if not print_rows([_verified(row) for row in rows], json=json, jsonl=jsonl):
        cells = [(row.file.name, as_size(row.file.size), row.file.sha256[:12], row.state) for row in rows]
        print_table(("file", "size", "sha256", "is"), cells, "nothing is stored")
    wrong = [row for row in rows if row.state != "whole"]
    if wrong:
        many = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise ModelUnusable(
            f"{wrong[0].file.name} is {wrong[0].state}{many}", "synapse models pull NAME fetches it anew"
        )


def rm(
    name: Annotated[str, typer.Argument(metavar="NAME|SOURCE", help="A model's name, source or alias.")],
    *,
    yes: Annotated[bool, _YES] = False,
    dry_run: Annotated[bool, _DRY] = False,
    profile: Annotated[str | None, _PROFILE] = None,
) -> None:
    """Forget a model, and delete what nothing else pins.

    Its pin, its alias and its files go. Files that Synapse did not download stay where they are.

    Example:

      synapse models rm qwen --yes
    """
    from synapse_cli.backends import catalog_clean
    from synapse_cli.core.errors import UsageError
    from synapse_cli.profile import aliases

    model = meant(name, profile)
    pins, going = _removal(model)
    is_alias = name in aliases.known(os.environ)
    if not pins and not going and not is_alias:
        raise UsageError(f"{name!r} was not pulled or added, so there is nothing to remove", "synapse models list")
    _list(going)
    if dry_run or not _agreed(f"remove {name}", yes=yes):
        return
    catalog_clean.forget(pins)
    freed = _deleted(going)
    if is_alias:
        aliases.write(name, None, os.environ)
    typer.echo(f"removed {name}, {freed / 1e6:,.1f} MB")


def prune(
    *,
    former: Annotated[bool, typer.Option("--former", help="Also what is kept for a rollback.")] = False,
    dry_run: Annotated[bool, _DRY] = False,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Delete stored files that no lock pins any more.

    Downloads that never ended go too.

    Example:

      synapse models prune --dry-run
    """
    from synapse_cli.backends import catalog_clean, catalog_store
    from synapse_cli.backends.catalog_fetch import unwritable

    try:
        catalog_clean.remember(_locks_here())
    except OSError as error:
        raise unwritable(catalog_store.root(), error) from error
    going = catalog_clean.unneeded(former=former)
    if not dry_run:
        if former:
            catalog_clean.forget_former({each.sha256 for each in going if each.sha256 is not None})
        _deleted(going)
    rows: list[dict[str, Json]] = [{"path": e.path, "bytes": e.size, "why": e.why} for e in going]
    if print_rows(rows, json=json):
        return
    _list(going)
    total, verb = sum(each.size for each in going), "would free" if dry_run else "freed"
    typer.echo(f"{verb} {total:,} bytes in {len(going)} {'file' if len(going) == 1 else 'files'}")


def _locks_here() -> list[str]:
    """The locks that can be found from here: of the user's profiles, and of the project."""
    from glob import escape, glob

    from synapse_cli.backends.catalog_lock import own_path, path_beside
    from synapse_cli.core.witness import Witness
    from synapse_cli.profile import find

    project = find.of_project(os.getcwd(), Witness())
    found = [own_path(os.environ), *sorted(glob(os.path.join(escape(find.user_folder(os.environ)), "*.lock")))]
    return [*found, *([path_beside(project.path, os.environ)] if project else [])]


def _pinned_files(model: Model) -> list[File]:
    from synapse_cli.backends.catalog_paths import pin_of

    return list(pin_of(model).files)


def _verified(row: Verified) -> dict[str, Json]:
    return {
        "name": row.file.name,
        "path": row.path,
        "bytes": row.file.size,
        "sha256": row.file.sha256,
        "state": row.state,
        "found_sha256": row.found,
    }


def _removal(model: Model) -> tuple[list[tuple[str, str]], list[Removal]]:
    from synapse_cli.backends.catalog_clean import removal_of

    return removal_of(model)


def _list(going: Sequence[Removal]) -> None:
    from synapse_cli.report.problem import say

    for each in going:
        say(f"{each.path} ({each.size:,} bytes): {each.why}")


def _agreed(what: str, *, yes: bool) -> bool:
    """Whether a person said yes; where nobody can be asked, the flag has to."""
    from synapse_cli.core.errors import UsageError

    if yes:
        return True
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"nobody is here to be asked whether to {what}", "--yes")
    return typer.confirm(f"{what}?", err=True)


def _deleted(going: Sequence[Removal]) -> int:
    from synapse_cli.backends import catalog_clean, catalog_store
    from synapse_cli.backends.catalog_fetch import unwritable

    try:
        return catalog_clean.delete(going)
    except OSError as error:
        raise unwritable(catalog_store.root(), error) from error
