"""`synapse hosts`: the processes that keep models warm, and what they do."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.listing import as_age, as_size, as_span, print_rows, print_table
from synapse_cli.core.errors import BackendError, UsageError

if TYPE_CHECKING:
    from synapse_cli.backends.host.kind import Kind
    from synapse_cli.backends.host.listing import Found

app = typer.Typer(
    help="List, start and stop the processes that keep models warm.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_Which = Annotated[
    list[str] | None, typer.Argument(metavar="[HOST]...", help="local, litellm, or a name of the list; all if none.")
]


@app.callback()
def hosts() -> None:
    """List, start and stop the processes that keep models warm."""


@app.command("list")
def list_hosts(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")] = False,
) -> None:
    """List hosts: what each has loaded, what it does, and when it ends by itself.

    Example:

      synapse hosts list --json | jq -r '.[].loaded[].name'
    """
    found = _running()
    if print_rows([host.as_json() for host in found], json=json, jsonl=jsonl):
        return
    header = ("host", "pid", "state", "since", "served", "models", "memory", "ends in")
    print_table(header, [_cells(host) for host in found], "no host runs; the next `synapse run` starts one")


@app.command()
def start(
    which: _Which = None,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")] = None,
) -> None:
    """Start hosts before they are needed.

    Those of the profile's models are started where none is named.

    Example:

      synapse hosts start litellm
    """
    from synapse_cli.backends.host import listing
    from synapse_cli.backends.host.start import NoHost
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness

    found = find_profile(profile, Witness())
    for kind in _kinds(which) if which else _kinds_of(list(found.models.values())):
        try:
            pid = listing.start(kind, os.environ, idle_s=found.hosts.idle_s)
        except (NoHost, OSError) as error:
            raise BackendError(f"no host can start here: {error}", "--no-host runs models without one") from error
        typer.echo(f"{kind}\t{pid}")


@app.command()
def stop(
    which: _Which = None,
    now: Annotated[bool, typer.Option("--now", help="Do not wait for answers under way.")] = False,
) -> None:
    """Stop hosts, once they have finished what they answer.

    Example:

      synapse hosts stop local
    """
    _stop(_chosen(which), now=now)


@app.command()
def restart(
    which: _Which = None,
    now: Annotated[bool, typer.Option("--now", help="Do not wait for answers under way.")] = False,
) -> None:
    """Stop hosts and start them anew, as after an upgrade of an engine.

    Example:

      synapse hosts restart
    """
    chosen = _chosen(which)
    _stop(chosen, now=now)
    kinds = list(dict.fromkeys(host.kind for host in chosen)) or which
    if kinds:
        start(kinds)


@app.command()
def log(
    which: Annotated[str | None, typer.Argument(metavar="[HOST]", help="local, litellm, or a name.")] = None,
    lines: Annotated[int, typer.Option("-n", "--lines", metavar="N", min=1, help="At most this many.")] = 50,
) -> None:
    """Print the last lines of what hosts and their engines said.

    Prompts, answers and keys are not among them.

    Example:

      synapse hosts log local -n 20
    """
    from synapse_cli.backends.host.listing import logs
    from synapse_cli.backends.host.log import tail
    from synapse_cli.cli.listing import visible

    try:
        paths = [path for path in logs(os.environ) if which is None or os.path.basename(path).startswith(which)]
        if which is not None and not paths:
            _kinds([which])
        said = [line for path in paths for line in tail(path, lines)]
    except OSError:
        said = []
    if not said:
        typer.echo("no host has said anything", err=True)
    for line in said[-lines:]:
        typer.echo(visible(line))


def _running() -> list[Found]:
    from synapse_cli.backends.host.listing import running

    try:
        return running(os.environ)
    except OSError:
        return []  # where none can live, none runs


def _chosen(which: list[str] | None) -> list[Found]:
    found = _running()
    if not which:
        return found
    chosen = [host for host in found if host.kind in which or host.place.name in which]
    named = {host.place.name for host in found}
    unknown = [name for name in which if name not in named]
    _kinds(unknown)
    return chosen


def _stop(chosen: list[Found], *, now: bool) -> None:
    from synapse_cli.backends.host.listing import stop as end

    if not chosen:
        typer.echo("no host runs", err=True)
    for host in chosen:
        told = "stopped" if end(host, now=now) else "still answering; it ends when it has (--now does not wait)"
        typer.echo(f"{host.place.name}\t{told}")


def _kinds(which: list[str]) -> list[Kind]:
    from synapse_cli.backends.host.kind import KINDS

    found: list[Kind] = [kind for kind in KINDS if kind in which]
    unknown = [name for name in which if name not in KINDS]
    if unknown:
        raise UsageError(
            f"there is no host named {unknown[0]!r}", "local and litellm are the kinds; see: synapse hosts list"
        )
    return found


def _kinds_of(models: list[object]) -> list[Kind]:
    from synapse_cli.backends.host.kind import KINDS, kind_of
    from synapse_cli.profile.model import Model

    used = {kind_of(model) for model in models if isinstance(model, Model)}
    return [kind for kind in KINDS if kind in used]


def _cells(host: Found) -> tuple[str, ...]:
    row, now = host.as_json(), time.time()
    loaded = row["loaded"]
    names = [str(each["name"]) for each in loaded if isinstance(each, dict)] if isinstance(loaded, list) else []
    memory, since, left = row["memory_bytes"], row["since"], row["idle_left_s"]
    return (
        host.place.name,
        str(host.pid),
        host.state,
        as_age(since, now) if since is not None else "-",
        "-" if row["served"] is None else str(row["served"]),
        ", ".join(names) or "-",
        as_size(memory) if isinstance(memory, int) else "-",
        as_span(left) if isinstance(left, int | float) else "-",
    )
