"""Which model, or which source, does an argument of `synapse models …` mean?"""

from __future__ import annotations

import os

from synapse_cli.core.errors import UsageError
from synapse_cli.core.witness import Witness
from synapse_cli.profile.model import Model, Profile

_COME_ALONG = {"nano": "builtin:nano", "minilm": "builtin:minilm"}


def meant(name: str, choice: str | None) -> Model:
    """The model of the profile, alias, file or source that a name means. Raises UsageError where it means nothing.

    A source that is written out needs no profile, so that a broken one is not in its way.
    """
    if name.startswith(("hf:", "https:", "http:")):
        return _local(name, name)
    profile = the_profile(choice)
    if name in profile.models:
        return profile.models[name]
    from synapse_cli.backends.prices import find
    from synapse_cli.profile import aliases
    from synapse_cli.profile.load import ad_hoc_model

    known = aliases.known(os.environ)
    if name in known:
        return ad_hoc_model(name, profile, lookup=find, alias=known.get)
    if name in _COME_ALONG:
        return _local(name, _COME_ALONG[name])
    if name.startswith(("file:", "./", "../", "/", "~")) or (name.endswith(".gguf") and os.path.exists(name)):
        return _local(name, "file:" + os.path.abspath(os.path.expanduser(name.removeprefix("file:"))))
    if "/" in name:
        return _local(name, f"hf:{name}")
    identifier = find(name)
    if identifier is not None:
        return Model(name=name, backend="litellm", model=identifier)
    raise _unknown(name, profile)


def the_profile(choice: str | None) -> Profile:
    """The profile that is followed here."""
    from synapse_cli.cli.profiles import find_profile

    return find_profile(choice, Witness())


def source_of(model: Model) -> str:
    """The source of a model that can be pulled. Raises UsageError where there is nothing to pull."""
    source = model.source or ""
    if model.backend not in {"llama.cpp", "encoder"} or not source:
        raise UsageError(f"{model.name!r} is asked over the network: there is nothing to pull", "synapse models list")
    return source


def _local(name: str, source: str) -> Model:
    return Model(name=name, backend="llama.cpp", source=source)


def _unknown(name: str, profile: Profile) -> UsageError:
    import difflib

    close = difflib.get_close_matches(name, [*profile.models, *_COME_ALONG], n=1)
    forms = "write a model's name, OWNER/REPO[:QUANT], hf:OWNER/REPO/FILE, https://… or PATH.gguf"
    return UsageError(f"there is no model named {name!r}", f"did you mean {close[0]!r}? or {forms}" if close else forms)
