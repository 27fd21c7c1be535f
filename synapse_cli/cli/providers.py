"""`synapse providers`: how the providers fare that models are asked at, as all processes know it."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.listing import as_age, as_span, print_rows, print_table
from synapse_cli.core.errors import UsageError

if TYPE_CHECKING:
    from synapse_cli.cascade.breaker import Place
    from synapse_cli.cascade.pace_file import PaceFile
    from synapse_cli.cascade.standing import Standing
    from synapse_cli.core.prompt import Json
    from synapse_cli.profile.model import Profile

app = typer.Typer(
    invoke_without_command=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_ProfileName = Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON array.")]
_AsLines = Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")]


@app.callback()
def providers(
    context: typer.Context, profile: _ProfileName = None, json: _AsJson = False, jsonl: _AsLines = False
) -> None:
    """Show which providers fail, and ask them again.

    A provider that keeps failing is left alone by all processes for a while; then one call tries it.

    Examples:

      synapse providers

      synapse providers --json | jq -r '.[] | select(.state == "open") | .model'

      synapse providers reset openai
    """
    if context.invoked_subcommand is None:
        list_providers(profile, json=json, jsonl=jsonl)


@app.command("list")
def list_providers(profile: _ProfileName = None, json: _AsJson = False, jsonl: _AsLines = False) -> None:
    """List hosted models with their state, failures, latency and keys.

    Example:

      synapse providers list --json | jq '.[] | {model, state, next_at}'
    """
    from synapse_cli.cascade.lanes import lanes
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness
    from synapse_cli.report.providers import provider_json

    names = _names(find_profile(profile, Witness()))
    now = time.time()
    keys = lanes(_pace())
    rows = [
        provider_json(
            standing, names.get(standing.place, []), [k for k in keys if k.provider == standing.place.provider], now
        )
        for standing in _all(names)
    ]
    if print_rows(rows, json=json, jsonl=jsonl):
        return
    header = ("model", "provider", "state", "failures", "last error", "latency", "tried next", "keys")
    print_table(header, [_cells(row, now) for row in rows], "this profile asks no provider, and none was asked")


@app.command()
def reset(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="A provider, a model's name or its address; all if none."),
    ] = None,
    profile: _ProfileName = None,
) -> None:
    """Forget what went wrong, so that a provider is asked at once.

    Failures, limits that were learned, and keys that were set aside.

    Example:

      synapse providers reset openai/gpt-5-mini
    """
    from synapse_cli.cascade import standing
    from synapse_cli.cascade.lanes import forget
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness

    known = _names(find_profile(profile, Witness()))
    found = _all(known)
    chosen = [each for each in found if not names or _words(each.place, known).intersection(names)]
    unknown = [name for name in names or () if not any(name in _words(each.place, known) for each in found)]
    if unknown:
        words = ", ".join(sorted({each.place.provider.name for each in found})) or "none"
        raise UsageError(f"there is no provider or model named {unknown[0]!r}", f"providers: {words}")
    if not chosen:
        typer.echo("no provider is known", err=True)
    pace = _pace()
    for each in chosen:
        standing.reset(pace, each.place)
        forget(pace, each.place.provider)
        typer.echo(f"{each.place}\treset")


def _all(names: dict[Place, list[str]]) -> list[Standing]:
    """What was called, and what the profile could call."""
    from synapse_cli.cascade.circuit import Circuit
    from synapse_cli.cascade.standing import Standing, standings

    found = {standing.place: standing for standing in standings(_pace())}
    found |= {place: Standing(place, Circuit()) for place in names if place not in found}
    return sorted(found.values(), key=lambda each: each.place.row)


def _names(profile: Profile) -> dict[Place, list[str]]:
    """The profile's names for each place where one of its hosted models is asked."""
    from synapse_cli.core.witness import Witness
    from synapse_cli.flows.ask import Ask
    from synapse_cli.flows.paced import places_of
    from synapse_cli.flows.session import Session

    session = Session(profile, Ask(prompt=""), Witness())
    names: dict[Place, list[str]] = {}
    for model in profile.models.values():
        if not session.is_local(model):
            for place in places_of(model):
                names.setdefault(place, []).append(model.name)
    return names


def _words(place: Place, names: dict[Place, list[str]]) -> set[str]:
    """What a user may call a place."""
    return {place.provider.name, place.provider.base_url, place.model, *names.get(place, [])} - {""}


def _pace() -> PaceFile:
    from synapse_cli.cascade.pace_file import PaceFile
    from synapse_cli.profile.paths import state_dir
    from synapse_cli.report.problem import warn

    return PaceFile(state_dir(), warn=warn)


def _cells(row: dict[str, Json], now: float) -> tuple[str, ...]:
    from synapse_cli.report.providers import keys_told

    last, latency, due = row["last_error"], row["latency_s"], row["next_at"]
    told = "-"
    if isinstance(last, dict):
        told = f"{last['kind']}, {as_age(last['at'], now)}"
    left = None if due is None else max(0.0, datetime.fromisoformat(str(due)).timestamp() - now)
    return (
        str(row["model"]),
        f"{row['provider']} at {row['base_url']}" if row["base_url"] else str(row["provider"]),
        str(row["state"]),
        str(row["failures"]),
        told,
        f"{latency:.1f} s" if isinstance(latency, float) else "-",
        "-" if due is None else as_span(left),
        keys_told(row) or "-",
    )
