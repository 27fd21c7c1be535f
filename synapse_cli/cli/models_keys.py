"""Which providers can be asked for their lists, and with which keys: the profile's, and those of the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from synapse_cli.core.errors import KeyMissing, SynapseError, UsageError
from synapse_cli.core.providers import key_variables, provider_of
from synapse_cli.profile.model import Model, Profile


@dataclass(frozen=True, slots=True)
class Ask:
    """One list to ask for."""

    provider: str
    base_url: str | None
    key: str | None = field(repr=False)


def asks(profile: Profile, only: tuple[str, ...]) -> tuple[list[Ask], list[SynapseError]]:
    """Everything to ask, each list once, and what is wrong with the keys. Raises where there is nothing to ask."""
    found: dict[tuple[str, str | None], Ask] = {}
    failures: list[SynapseError] = []
    for model in _hosted(profile):
        provider = provider_of(model.model)
        if (provider, model.base_url) in found or (only and provider not in only):
            continue
        try:
            found[provider, model.base_url] = Ask(provider, model.base_url, _key(model))
        except SynapseError as error:
            failures.append(error)
    have = {provider for provider, _ in found}
    found |= {(each.provider, None): each for each in _of_environment(only) if each.provider not in have}
    if not found and not failures:
        raise _nothing(only)
    return list(found.values()), failures


def _hosted(profile: Profile) -> list[Model]:
    return [model for model in profile.models.values() if model.backend == "litellm"]


def _key(model: Model) -> str | None:
    from synapse_cli.guard.secrets import read_keys

    return next(iter(read_keys(model, os.environ)), None)


def _of_environment(only: tuple[str, ...]) -> list[Ask]:
    """Providers whose variable is set; those that need no key where they were named."""
    from synapse_cli.backends.catalog_hosted import providers

    found = []
    for provider in providers():
        key = next((os.environ[name] for name in key_variables(provider) if os.environ.get(name)), None)
        if (only and provider not in only) or (key is None and (key_variables(provider) or not only)):
            continue
        found.append(Ask(provider, None, key))
    return found


def _nothing(only: tuple[str, ...]) -> SynapseError:
    from synapse_cli.backends.catalog_hosted import providers

    for provider in only:
        if provider not in providers():
            return UsageError(f"{provider!r} has no list that is known", "known: " + ", ".join(providers()))
    variables = " or ".join(name for each in (only or ("openai", "anthropic")) for name in key_variables(each)[:1])
    return KeyMissing(
        "no provider's key was found", f"export {variables}=…, or name a model with `keys` in the profile"
    )
