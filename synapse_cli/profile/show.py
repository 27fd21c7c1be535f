"""Print a profile as it takes effect: everything it extends merged in, paths absolute, header values left out."""

from __future__ import annotations

from collections.abc import Mapping

from synapse_cli.core.witness import Witness
from synapse_cli.profile import sources
from synapse_cli.profile.find import find
from synapse_cli.profile.refusal import refusal
from synapse_cli.profile.relative import resolve
from synapse_cli.profile.sources import Table


def effective(choice: str | None, *, cwd: str, env: Mapping[str, str]) -> Table:
    """The merged table of a profile; it need only be readable, not right. Raises ProfileError."""
    found = find(choice, cwd=cwd, env=env, witness=Witness())
    read = sources.read(found.path, Witness())
    if read.problems:
        raise refusal(read.problems)
    resolve(read)
    models = read.data.get("models")
    for model in models.values() if isinstance(models, dict) else ():
        if isinstance(model, dict) and isinstance(model.get("headers"), dict):
            model["headers"] = dict.fromkeys(model["headers"], "***")
    return read.data


def as_toml(table: Table) -> str:
    """The table as TOML."""
    import tomli_w

    return tomli_w.dumps(table)
