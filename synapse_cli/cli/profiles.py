"""Find the profile of this command."""

from __future__ import annotations

import os

from synapse_cli.core.witness import Witness
from synapse_cli.profile.model import Profile


def find_profile(choice: str | None, witness: Witness) -> Profile:
    """Load the profile that `--profile`, the environment, the folder or the user's default names."""
    from synapse_cli.profile.load import load

    return load(choice, cwd=os.getcwd(), env=os.environ, witness=witness)
