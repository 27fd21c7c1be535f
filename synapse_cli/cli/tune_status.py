"""`synapse tune status`: does what a policy was made for still hold?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.listing import print_rows
from synapse_cli.cli.scope import Tenant
from synapse_cli.core.errors import InputError, Problem, ProfileError, ThresholdMissed
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    from synapse_cli.learned.policy import Policy


def status(
    *,
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="FILE", help="This one; else the profile's.")
    ] = None,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Another profile.")] = None,
    tenant: Tenant = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what has drifted since policies were made, and when to tune again.

    Prompts are compared with those that a policy was made from (PSI, against what chance alone gives), and what people
    and dearer tiers said of answers with what it promised, by a test that may be read every day. Exits with 100 where
    something has drifted.

    Examples:

      synapse tune status

      synapse tune status --json | jq '.policies[] | {route, reasons}'
    """
    from synapse_cli.cli.looking import ledger_path
    from synapse_cli.lab.drift import as_json, drift
    from synapse_cli.report.drift import lines

    told: list[dict[str, Json]] = []
    for route, found in _policies(policy, profile):
        told.append({"route": route, **as_json(drift(ledger_path(), found, route, tenant=tenant))})
    if json:
        print_rows([{"schema_version": 1, "policies": [*told]}], jsonl=True)
    elif not told:
        typer.echo("no route of this profile has a policy: synapse tune -o FILE makes one", err=True)
    else:
        for each in told:
            for line in lines(str(each["route"] or policy), each):
                typer.echo(line)
    reasons = [f"{each['route'] or policy}: {reason}" for each in told for reason in each["reasons"]]  # type: ignore[union-attr]
    if reasons:
        raise ThresholdMissed("; ".join(reasons), "synapse tune makes the policy anew from what was recorded since")


def _policies(file: str | None, profile: str | None) -> Iterator[tuple[str | None, Policy]]:
    """Route and policy; a file of the command line belongs to no route. Raises InputError or ProfileError."""
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness
    from synapse_cli.learned.policy import load

    if file is not None:
        yield None, load(file)
        return
    found = find_profile(profile, Witness())
    for route in found.routes.values():
        if route.policy is not None:
            try:
                policy = load(route.policy)
            except InputError as error:
                raise _wrong(file=found.path, route=route.name, error=error) from error
            yield route.name, policy


def _wrong(*, file: str, route: str, error: InputError) -> ProfileError:
    problem = Problem(file, f"routes.{route}.policy", error.message, "what synapse tune -o wrote", error.hint)
    return ProfileError((problem,))
