"""`synapse key`: the content address of a request, so that Make can tell whether an answer is out of date."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

from synapse_cli.cli.flags import Flags, takes_flags
from synapse_cli.core.errors import ModelMissing
from synapse_cli.core.witness import Witness

if TYPE_CHECKING:
    from synapse_cli.flows.plan import Rung
    from synapse_cli.flows.session import Session


@takes_flags
def key(flags: Flags) -> int:
    """Print the content address of a request, for Make.

    It changes exactly when the answer could: with the prompt, the files, the models of the route, their
    parameters, the checks. The arguments are those of `run`; nothing is asked.

    Example:

      synapse key "Summarise" -f notes.txt > .notes.key
    """
    from synapse_cli.cli.asking import asked, wishes
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.flows.session import Session

    witness = Witness()
    wanted = wishes(flags, witness)
    profile = find_profile(flags.profile, witness)
    ask = asked(flags, wanted, profile, witness).ask
    session = Session(profile, ask, witness)
    parts = []
    for stage in session.plan(session.choose()).stages:
        for rung in stage.rungs:
            parts.append(_address(session, rung))
            parts += map(repr, rung.checks)
    sys.stdout.write(hashlib.sha256("\n".join(parts).encode()).hexdigest() + "\n")
    return 0


def _address(session: Session, rung: Rung) -> str:
    try:
        return session.request_key(rung.model, rung.request)
    except OSError as error:
        what = f"the model file of {rung.model.name!r} cannot be read: {error.strerror}"
        raise ModelMissing(what, "check its path in the profile, or the path after -m") from error
