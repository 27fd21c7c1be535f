"""What stands between a tier and its model?

    cached? → was one like it? → the budget (Metered) → the record (Recorded)
      → keys, limits, breaker (Paced) → the backend

One chain a model, built on use, so that an answer from the cache touches none of what is behind it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from synapse_cli.core.completion import FREE, Facts, Price
from synapse_cli.core.events import Listen, Waiting
from synapse_cli.core.ports import Backend
from synapse_cli.core.prompt import Json, Request
from synapse_cli.core.registry import is_plugin
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.budgeting import Budgets
from synapse_cli.flows.wiring import backend_of, has_file, price_file, provider_name, takes_keys, with_own_price
from synapse_cli.profile.model import Lora, Model, Profile

if TYPE_CHECKING:
    from synapse_cli.cache.answers import Store
    from synapse_cli.flows.nearly import Nearly
    from synapse_cli.flows.paced import Paced
    from synapse_cli.flows.parts import Part
    from synapse_cli.ledger.recorded import Record

_LABELLING = 1
"""Counted up when an encoder's tier chooses otherwise than before: what is kept of it is then not found."""

Warm = dict[str, Backend]


class Calls:
    """The calls of one session. `warm` are models that another session has built, by name."""

    def __init__(
        self,
        profile: Profile,
        ask: Ask,
        witness: Witness,
        budgets: Budgets,
        *,
        warn: Callable[[str], None],
        warm: Warm,
        paced: Callable[[], Paced],
        traced: Callable[[Model, Backend], Backend],
        record: Callable[[], Record | None],
        nearly: Callable[[], Nearly],
    ) -> None:
        self._profile = profile
        self._ask = ask
        self._witness = witness
        self._budgets = budgets
        self._warn = warn
        self._facts: dict[str, Facts] = {}
        self._paced = paced
        self._traced = traced
        self._record = record
        self._nearly = nearly
        self.warm = warm
        self.listen: Listen = lambda _: None

    def chain(
        self, model: Model, store: Store | None, *, keeps: bool, ttl_s: float | None, kind: str = "tier"
    ) -> Backend:
        """The whole chain of a model; without the cache where there is none or the route keeps nothing.

        `kind` is what its calls are for, as the record says it: "tier", "route", "judge" or "sample".
        """

        def fresh() -> Backend:
            from synapse_cli.cascade.metered import Metered

            is_local, budgets = self.is_local(model), self._budgets
            budgets.open(is_local=is_local)
            inner = self._in_step(model, kind)
            return Metered(inner, budgets.meter, name=model.name, is_local=is_local, timeout_s=model.timeout_s)

        if store is None or not keeps or self._ask.cache == "off":
            return fresh()
        from synapse_cli.cache.cached import Cached

        is_near = kind == "tier" and self._profile.cache.semantic.enabled

        def like() -> Backend:
            return self._nearly().chain(fresh, of, store, facts=lambda: self.facts(model), ttl_s=ttl_s)

        def of(request: Request) -> str:
            return self.request_key(model, request)

        return Cached(
            like if is_near else fresh,
            of,
            store,
            facts=lambda: self.facts(model),
            mode="normal" if is_near and self._ask.cache == "only" else self._ask.cache,
            ttl_s=ttl_s,
            label=model.name,
        )

    def backend(self, model: Model) -> Backend:
        """The model's own backend, built once: in a host where it has one, else in this process."""
        if takes_keys(model):
            self._see_prices()
        if model.name not in self.warm and model.backend == "student":
            from synapse_cli.flows.studying import student_tier

            self.warm[model.name] = student_tier(model, self._profile, self._warn, hosts=self._ask.hosts)
        if model.name not in self.warm:
            self.warm[model.name] = backend_of(model, self._ask, self._profile.hosts, self._warn)
        return self.warm[model.name]

    def _in_step(self, model: Model, kind: str) -> Backend:
        """The model's backend, recorded; a hosted one's in step with all other processes."""
        if self.is_local(model):
            return self._recorded(model, self._traced(model, self.backend(model)), kind)
        return self._paced().in_step(
            model,
            lambda part: self._recorded(
                model,
                self._traced(part.model, self._part(part)),
                kind,
                deployment=None if part.is_only else str(part.access),
            ),
            lambda seconds, reason: self.listen(Waiting(model.name, seconds, reason)),
        )

    def _part(self, part: Part) -> Backend:
        """The backend of a model at one of its places, with one of its keys."""
        if part.is_only:
            return self.backend(part.model)
        if part.name not in self.warm:
            self.warm[part.name] = backend_of(part.model, self._ask, self._profile.hosts, self._warn, part.keys)
        return self.warm[part.name]

    def _recorded(self, model: Model, backend: Backend, kind: str, deployment: str | None = None) -> Backend:
        """A backend whose calls are written down; `deployment` says which address and key, where there is a choice."""
        record = self._record()
        if record is None:
            return backend
        from synapse_cli.ledger.recorded import Recorded

        is_local = self.is_local(model)
        provider = provider_name(model) or backend.facts().provider
        return Recorded(
            backend, record, model=model.name, provider=provider, is_local=is_local, kind=kind, deployment=deployment
        )

    def _see_prices(self) -> None:
        """The user's own prices take part in what a budget lets through."""
        path = price_file()
        if os.path.exists(path):
            self._witness.read(path)
        elif path:
            self._witness.looked_for(path)

    def facts(self, model: Model) -> Facts:
        """What is known of a model without calling it."""
        if model.name not in self._facts:
            self._facts[model.name] = self.backend(model).facts()
        return self._facts[model.name]

    def is_local(self, model: Model) -> bool:
        """Whether a model is of the local tier; told without importing its backend, plugins aside.

        What goes through LiteLLM counts as hosted, wherever its address is: a proxy on this machine leads elsewhere.
        """
        match model.backend:
            case "llama.cpp" | "command" | "student":
                return True
            case "litellm":
                return False
            case "encoder":
                return model.source is not None
            case "scripted":
                return model.price is None
            case _:
                return self.facts(model).is_local

    def price(self, model: Model) -> Price | None:
        """A model's price; a hosted one's is looked up without building its backend."""
        if model.price is not None or model.backend == "llama.cpp":
            return model.price or FREE
        if model.backend != "litellm":
            return self.facts(model).price
        listed = with_own_price(model, self._warn).listed
        if listed is not None and listed.price is not None:
            return listed.price
        from synapse_cli.backends.prices import price

        return price(model.model or "")

    def request_key(self, model: Model, request: Request) -> str:
        """The content address of one call."""
        from synapse_cli.cache.key import request_key

        return request_key(self._identity(model), request, _settings(model))

    def _identity(self, model: Model) -> str:
        """What a model is, for the cache: a GGUF's hash, a hosted model's name, a script's own text."""
        if model.backend == "student":
            from synapse_cli.flows.studying import student_identity

            return student_identity(model, self._witness)
        if not has_file(model):
            own = json.dumps(dict(model.options), sort_keys=True, default=str) if model.options else ""
            edition = getattr(self.backend(model), "edition", "") if is_plugin("backends", model.backend) else ""
            return f"{model.backend}:{model.model or model.source or model.name}:{own}{edition}"
        from synapse_cli.backends.catalog_paths import content_of

        return f"gguf:{content_of(model, self._witness)}{''.join(map(self._adapter_identity, model.lora))}"

    def _adapter_identity(self, adapter: Lora) -> str:
        from synapse_cli.core.files import file_sha256

        sha256 = file_sha256(adapter.file)
        self._witness.read(adapter.file, sha256)
        return f"+{sha256}*{adapter.scale}"


def _settings(model: Model) -> dict[str, Json]:
    """Profile settings that change what a model answers."""
    return {
        "base_url": model.base_url,
        "context": model.context,
        "headers": dict(model.headers),
        "organization": model.organization,
        "project": model.project,
        **({"labels": [_LABELLING, model.pooling, model.dimensions]} if model.backend == "encoder" else {}),
    }
