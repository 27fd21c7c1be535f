"""Turn any number of texts into vectors: the model is found, and asked batch by batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from synapse_cli.core.clock import SystemClock
from synapse_cli.core.completion import Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UsageError
from synapse_cli.core.ports import Encoder
from synapse_cli.core.vectors import Vectors
from synapse_cli.core.witness import Witness
from synapse_cli.flows.wiring import Keys, folder_of, hosts_are_on, with_own_price
from synapse_cli.profile.model import Model, Profile
from synapse_cli.telemetry.wanted import is_wanted

MINILM = Model(name="minilm", backend="encoder", source="builtin:minilm")
"""What encodes where neither flag nor profile names anything else."""
_IN_HOSTS: dict[str, Literal["local", "litellm"]] = {"llama.cpp": "local", "litellm": "litellm"}
"""Which host serves which encoder; a plugin's runs in this process."""
_BATCH = 64
"""Texts between two words of progress."""


def find_model(name: str | None, profile: Profile) -> Model:
    """The model that a `-m` names; without one the profile's first encoder, else MiniLM. Raises UsageError."""
    if name is None:
        return next((model for model in profile.models.values() if model.backend == "encoder"), MINILM)
    if name in profile.models:
        return profile.models[name]
    if name in ("minilm", MINILM.source):
        return MINILM
    from synapse_cli.profile import aliases
    from synapse_cli.profile.ad_hoc import ad_hoc_model

    known = aliases.known(os.environ, Witness())
    return ad_hoc_model(name, profile, lookup=_hosted_encoder, alias=known.get)


def open_encoder(
    model: Model,
    profile: Profile,
    report: Callable[[str], None] | None = None,
    warn: Callable[[str], None] = lambda _: None,
    *,
    hosts: bool = True,
) -> Encoder:
    """The model's encoder, with the keys it may use: in a host, else in this process.

    MiniLM is made ready here, where `report` is heard. Raises UsageError for a model that makes no vectors.
    """
    from synapse_cli.backends import encoders, minilm

    model = with_own_price(model, warn)
    if encoders.encoder_kind(model) == "litellm":
        return _within_budgets(
            _InStep(model, profile, report or (lambda _: None), warn, hosts=hosts), model, profile, warn
        )
    if model.source == minilm.SOURCE:
        minilm.ready(os.environ, report)
    return _opened(model, None, profile, warn, hosts=hosts)


def _within_budgets(encoder: Encoder, model: Model, profile: Profile, warn: Callable[[str], None]) -> Encoder:
    """The same encoder, whose calls count in the profile's budgets: each command is a run."""
    from synapse_cli.backends.tokens import text_tokens
    from synapse_cli.cascade.metered_encoder import MeteredEncoder
    from synapse_cli.core.ids import new_run_id
    from synapse_cli.flows.ask import Ask
    from synapse_cli.flows.budgeting import Budgets

    clock, ask = SystemClock(), Ask(prompt="")
    budgets = Budgets(
        profile, ask, None, run_id=new_run_id(clock.now()), folder=lambda: folder_of("state"), warn=warn, now=clock.now
    )
    budgets.open(is_local=False)
    name = model.model or model.name
    return MeteredEncoder(encoder, budgets.meter, name=model.name, count=lambda text: text_tokens(text, name))


class _InStep:
    """An encoder at a provider, under the limits that all processes share."""

    def __init__(
        self, model: Model, profile: Profile, report: Callable[[str], None], warn: Callable[[str], None], *, hosts: bool
    ) -> None:
        from synapse_cli.flows.paced import Paced

        self._paced = Paced(folder_of("state"), profile.breaker, SystemClock(), warn)
        self._encoder = self._paced.encoder_in_step(
            model,
            lambda part: _opened(part.model, part.keys, profile, warn, hosts=hosts),
            lambda seconds, reason: report(f"waits {seconds:.0f} s: {reason}"),
        )

    def encode(self, texts: Sequence[str], control: Control) -> Vectors:
        """Encode in turn; the shared file is not held open while nobody asks."""
        try:
            return self._encoder.encode(texts, control)
        finally:
            self._paced.close()

    def facts(self) -> Facts:
        """The provider's."""
        return self._encoder.facts()


def _opened(model: Model, keys: Keys | None, profile: Profile, warn: Callable[[str], None], *, hosts: bool) -> Encoder:
    encoder = _of_model(model, keys, profile, warn, hosts=hosts)
    told = profile.telemetry
    if not is_wanted(told.file, told.endpoint, os.environ):
        return encoder
    from synapse_cli.core.ids import new_run_id
    from synapse_cli.telemetry.settings import target
    from synapse_cli.telemetry.traced_encoder import TracedEncoder

    where, clock = target(told, os.environ), SystemClock()
    if where is None:
        return encoder
    return TracedEncoder(encoder, model, target=where, run_id=new_run_id(clock.now()), clock=clock, warn=warn)


def _of_model(
    model: Model, keys: Keys | None, profile: Profile, warn: Callable[[str], None], *, hosts: bool
) -> Encoder:
    from synapse_cli.backends import encoders

    kind = encoders.encoder_kind(model)
    if kind not in _IN_HOSTS or not (hosts and hosts_are_on()):
        return encoders.open_encoder(model, keys)
    from synapse_cli.backends.host.client import HostedEncoder

    return HostedEncoder(
        model,
        _IN_HOSTS[kind],
        in_process=lambda: encoders.open_encoder(model, keys),
        keys=keys,
        settings=profile.hosts,
        warn=warn,
    )


def encode(encoder: Encoder, texts: Sequence[str], control: Control) -> Iterator[Vectors]:
    """The texts' vectors, some dozens at a time, in order."""
    for start in range(0, len(texts), _BATCH):
        yield encoder.encode(texts[start : start + _BATCH], control)


def all_vectors(encoder: Encoder, texts: Sequence[str], control: Control, tell: Callable[[int], None]) -> Vectors:
    """The texts' vectors as one value; `tell` hears how many there are after each batch."""
    parts = []
    done = 0
    for part in encode(encoder, texts, control):
        parts.append(part)
        done += len(part)
        tell(done)
    return joined(parts)


def joined(parts: Sequence[Vectors]) -> Vectors:
    """Vectors one after another: what they took is added up, and each warning said once."""
    from synapse_cli.core.vectors import NOTHING

    if not parts:
        return NOTHING
    if len({part.dimension for part in parts}) > 1:
        raise UsageError("the model's vectors are of different lengths", "use one model")
    usage = parts[0].usage
    cost = parts[0].cost
    for part in parts[1:]:
        usage = usage + part.usage
        cost = None if cost is None or part.cost is None else cost + part.cost
    return Vectors(
        dimension=parts[0].dimension,
        packed=b"".join(part.packed for part in parts),
        usage=usage,
        cost=cost,
        warnings=tuple(dict.fromkeys(line for part in parts for line in part.warnings)),
    )


def _hosted_encoder(name: str) -> str | None:
    """`provider/id` of a bare name that the price file knows as an encoder."""
    from synapse_cli.backends import prices

    for full in (f"openai/{name}", f"cohere/{name}", f"gemini/{name}", f"mistral/{name}", f"voyage/{name}"):
        known = prices.entry(full)
        if known is not None and known.mode == "embedding":
            return full
    return prices.find(name)
