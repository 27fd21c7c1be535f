"""`synapse paths`: where Synapse keeps things."""

from __future__ import annotations

import json as _json
import os
from typing import Annotated

import typer


def paths(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print where Synapse keeps its profiles, cache, ledger and models.

    Example:

      cd "$(synapse paths --json | jq -r .config)"
    """
    from synapse_cli.core.places import models
    from synapse_cli.profile.find import shipped_folder
    from synapse_cli.profile.paths import cache_dir, config_dir, state_dir

    places = {
        "config": str(config_dir()),
        "cache": str(cache_dir()),
        "state": str(state_dir()),
        "models": models(os.environ),
        "profiles": str(config_dir() / "profiles"),
        "shipped_profiles": shipped_folder(),
    }
    if json:
        typer.echo(_json.dumps(places))
        return
    width = max(map(len, places))
    for name, place in places.items():
        typer.echo(f"{name:<{width}}  {place}")
