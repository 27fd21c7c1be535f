"""`synapse bad`: an answer was bad, and is not to be given again."""

from __future__ import annotations

from synapse_cli.cli.feedback import AsJson, Better, Note, Which, say
from synapse_cli.cli.scope import Tenant


def bad(
    run: Which = "last", *, better: Better = None, note: Note = None, tenant: Tenant = None, json: AsJson = False
) -> None:
    """Say that an answer was bad, and have it forgotten.

    It is not given again from the cache, and `synapse tune` learns from it. What is said last counts: `synapse good`
    takes it back.

    Examples:

      synapse bad

      synapse bad last --better right.txt --note "it missed the second page"

      synapse bad 06f8s --json
    """
    say(run, is_good=False, better=better, note=note, tenant=tenant, json=json)
