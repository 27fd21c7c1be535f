"""Make the model that `-m` names: a profile's, an alias's, a GGUF file, `provider/id`, or a name from the catalogue."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from synapse_cli.core.errors import UsageError
from synapse_cli.profile.model import Model, Profile

NANO = "builtin:nano"


def ad_hoc_model(
    name: str,
    profile: Profile,
    lookup: Callable[[str], str | None],
    near: Callable[[str], Sequence[str]] = lambda _name: (),
    alias: Callable[[str], str | None] = lambda _name: None,
) -> Model:
    """The model that a `-m` means. `lookup` finds `provider/id` for a bare name, `near` the names most like it.

    `alias` tells what a user's own name stands for. Raises UsageError, with the nearest name, where it means nothing.
    """
    if name in profile.models:
        return profile.models[name]
    target = alias(name)
    if target is not None:
        return replace(ad_hoc_model(target, profile, lookup, near), name=name)
    if name in (NANO, "nano"):
        return Model(name="nano", backend="llama.cpp", source=NANO)
    if name.startswith(("hf:", "https:", "http:")):
        return Model(name=name, backend="llama.cpp", source=name)
    if name.endswith(".gguf") or name.startswith(("file:", "./", "../", "/", "~")):
        path = os.path.abspath(os.path.expanduser(name.removeprefix("file:")))
        return Model(name=name, backend="llama.cpp", source=f"file:{path}")
    if "/" in name:
        return _hosted(name, name)
    found = lookup(name)
    if found is None:
        raise _unknown(name, profile, near)
    return _hosted(name, found)


def _hosted(name: str, identifier: str) -> Model:
    if not all(identifier.partition("/")) or any(letter.isspace() for letter in identifier):
        raise UsageError(f"{identifier!r} names no model", "write provider/id, such as openai/gpt-5-mini")
    return Model(name=name, backend="litellm", model=identifier)


def _unknown(name: str, profile: Profile, near: Callable[[str], Sequence[str]]) -> UsageError:
    import difflib

    if name in profile.cascades:
        return UsageError(
            f"{name!r} is a cascade, not a model", "choose a route that uses it with -r, or one of its tiers"
        )
    close = difflib.get_close_matches(name, [*profile.models, "nano"], n=1)
    meant = " or ".join(repr(each) for each in close or near(name))
    known = "known in the profile: " + ", ".join(profile.models) if profile.models else "the profile has no models"
    hint = f"did you mean {meant}?" if meant else f"{known}; or write provider/id, or PATH.gguf"
    return UsageError(f"there is no model named {name!r}", hint)
