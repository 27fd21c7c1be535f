"""How is a student asked: with which encoder, and what names it for the cache?"""

from __future__ import annotations

import os
from collections.abc import Callable

from synapse_cli.backends.student import StudentTier, refused
from synapse_cli.core.errors import InputError, ModelMissing, Unsuited
from synapse_cli.core.files import file_sha256
from synapse_cli.core.ports import Backend, Encoder
from synapse_cli.core.witness import Witness
from synapse_cli.profile.model import Model, Profile


def student_tier(model: Model, profile: Profile, warn: Callable[[str], None], *, hosts: bool) -> Backend:
    """The student, with the encoder that its file asks for; that is opened where words alone are not sure."""

    def open_one(identity: str) -> Encoder:
        from synapse_cli.backends import minilm
        from synapse_cli.flows.encoding import open_encoder

        chosen = encoder_of(model, profile)
        if chosen.source == minilm.SOURCE and not minilm.is_here(os.environ):  # no tier begins by converting
            raise Unsuited("the student needs MiniLM, which is not on this machine", minilm.HINT)
        _check_identity(chosen, identity)
        return open_encoder(chosen, profile, None, warn, hosts=hosts)

    return StudentTier(model, open_one)


def encoder_of(model: Model, profile: Profile) -> Model:
    """The encoder that a student's table names; without one the profile's first, else MiniLM."""
    from synapse_cli.flows.encoding import find_model

    return find_model(model.encoder, profile)


def student_identity(model: Model, witness: Witness) -> str:
    """What a student's answers are kept under: its file's hash. Raises ProfileError where it cannot be read."""
    from synapse_cli.learned.student import EDITION

    path = (model.source or "").removeprefix("file:")
    try:
        sha256 = file_sha256(path)
    except OSError as error:
        witness.looked_for(path)
        what = f"the student {path} cannot be read: {error.strerror or error}"
        raise refused(model, InputError(what, "write one with synapse distill ROUTE -o FILE")) from error
    witness.read(path, sha256)
    return f"student:{EDITION}:{sha256}"


def _check_identity(chosen: Model, wanted: str) -> None:
    from synapse_cli.learned.encoder import identity

    try:
        found = identity(chosen)
    except OSError as error:
        raise ModelMissing(f"the encoder {chosen.name} cannot be read: {error.strerror}", "see its source") from error
    if found != wanted:
        raise Unsuited(
            f"the student learned from vectors of {wanted}, and {chosen.name!r} is {found}",
            "name its encoder: encoder = … in the student's table, or distill it anew",
        )
