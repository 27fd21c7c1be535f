"""Whose things are meant: the flag that commands share which look into what is kept."""

from __future__ import annotations

from typing import Annotated

import typer

from synapse_cli.flows.tenancy import VARIABLE

Tenant = Annotated[
    str | None,
    typer.Option("--tenant", envvar=VARIABLE, show_envvar=False, metavar="NAME", help="Of this tenant only."),
]
"""`--tenant` or `SYNAPSE_TENANT`; None is everybody's for the record, and nobody's own for the cache."""
