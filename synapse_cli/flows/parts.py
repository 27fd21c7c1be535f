"""Where can a model be asked? Its own place and its deployments, each with each of their keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from synapse_cli.cascade.limiter import Access
from synapse_cli.cascade.pace_file import Provider
from synapse_cli.core.errors import KeyMissing
from synapse_cli.core.providers import needs_key, provider_of
from synapse_cli.flows.wiring import Keys, key_sources, keys_of, takes_keys
from synapse_cli.profile.model import Deployment, Limits, Model

NO_LIMITS = Limits()


class Part(NamedTuple):
    """A model at one place with one key; `model` is the profile's with only these."""

    model: Model
    access: Access
    limits: Limits
    weight: float
    keys: Keys | None
    is_only: bool

    @property
    def name(self) -> str:
        """What tells it from the others of its model."""
        return f"{self.model.name} as {self.access.model} at {self.access}"

    def key(self) -> str | None:
        """Its key, read when it is first needed."""
        found = self.keys() if self.keys else ()
        return found[0] if found else None


def parts_of(model: Model) -> tuple[Part, ...]:
    """Every part of a hosted model, in the profile's order."""
    if not takes_keys(model):
        # a script has no provider: its file stands for one
        provider = Provider(model.backend, model.base_url or model.file)
        return (Part(model, Access(provider, "", model.name), model.limits or NO_LIMITS, 1.0, None, is_only=True),)
    found = [(each, source, weight) for each, weight in _places(model) for source in _sources(each)]
    return tuple(_part(each, source, weight, is_only=len(found) == 1) for each, source, weight in found)


def check_keys(model: Model) -> None:
    """Raise KeyMissing where no part of a hosted model has a key; a `cmd:` is believed to have one, and not run."""
    missing: list[KeyMissing] = []
    for part in parts_of(model):
        try:
            if not part.access.key.startswith("cmd:") and part.keys is not None:
                part.keys()
        except KeyMissing as error:
            missing.append(error)
        else:
            return
    if len(missing) == 1:
        raise missing[0]
    told = "; ".join(dict.fromkeys(error.message for error in missing))
    raise KeyMissing(f"no key for {model.name}: {told}", missing[0].hint)


def _places(model: Model) -> Iterator[tuple[Model, float]]:
    """The model as it is at each place; its own is left out where others are given and it has no key here."""
    own = replace(model, deployments=()) if model.deployments else model
    if not model.deployments or key_sources(own) or not needs_key(provider_of(own.model), own.base_url):
        yield own, 1.0
    for each in model.deployments:
        yield _at(own, each), each.weight


def _at(model: Model, place: Deployment) -> Model:
    return replace(
        model,
        model=place.model or model.model,
        base_url=place.base_url or model.base_url,
        keys=place.keys or model.keys,
        limits=place.limits or model.limits,
        headers=model.headers if place.headers is None else place.headers,
    )


def _named(source: str) -> str:
    """Where a key comes from, fit to be said and written down: a command's arguments may hold what they should not."""
    kind, _, command = source.partition(":")
    if kind != "cmd":
        return source
    from hashlib import sha256

    program = command.split()[0].rpartition("/")[2] if command.strip() else ""
    return f"cmd:{program}#{sha256(command.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"


def _sources(model: Model) -> tuple[str, ...]:
    return key_sources(model) or ("",)


def _part(model: Model, source: str, weight: float, *, is_only: bool) -> Part:
    alone = replace(model, keys=(source,)) if len(model.keys) > 1 else model
    provider = Provider.of(provider_of(model.model), model.base_url)
    access = Access(provider, _named(source), model.model or model.name)
    shared = max(1, len(_sources(model)))
    return Part(alone, access, model.limits or NO_LIMITS, weight / shared, keys_of(alone), is_only)
