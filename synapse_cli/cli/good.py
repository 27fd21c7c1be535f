"""`synapse good`: an answer was good."""

from __future__ import annotations

from synapse_cli.cli.feedback import AsJson, Better, Note, Which, say
from synapse_cli.cli.scope import Tenant


def good(
    run: Which = "last", *, better: Better = None, note: Note = None, tenant: Tenant = None, json: AsJson = False
) -> None:
    """Say that an answer was good.

    What is said last counts. `synapse tune` learns from it, and `log show`, `stats` and `log list` show it.

    Examples:

      synapse good

      synapse good 06f8s --note "found the right clause"
    """
    say(run, is_good=True, better=better, note=note, tenant=tenant, json=json)
