"""Introduce everybody: the one file that knows all the folders, and wires a profile to a working run.

A session belongs to one process and one profile. Everything it opens is opened on use, so that an answer from
the cache touches no engine.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from synapse_cli.cascade.tier import Tier
from synapse_cli.core.clock import Clock, SystemClock
from synapse_cli.core.completion import Completion, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, NotAllowed, SynapseError
from synapse_cli.core.ids import new_run_id
from synapse_cli.core.outcome import Decision, Outcome
from synapse_cli.core.ports import Backend
from synapse_cli.core.prompt import Request
from synapse_cli.core.run import Run
from synapse_cli.core.unkept import gathered
from synapse_cli.core.vectors import Vectors
from synapse_cli.core.verdict import Verdict
from synapse_cli.core.way import Way
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.budgeting import Budgets, seconds_of_run
from synapse_cli.flows.calls import Calls, Warm
from synapse_cli.flows.plan import Plan, Rung, plan
from synapse_cli.flows.saving import saved
from synapse_cli.flows.telling import Telling
from synapse_cli.flows.tenancy import cache_folder, forbidden, tenant_of
from synapse_cli.flows.wiring import find_hosted, folder_of, near_hosted, takes_keys
from synapse_cli.profile.model import Model, Profile

if TYPE_CHECKING:
    from synapse_cli.cache.answers import Store
    from synapse_cli.flows.deciding import Deciding
    from synapse_cli.flows.limits import Limits
    from synapse_cli.flows.nearly import Nearly
    from synapse_cli.flows.paced import Paced
    from synapse_cli.ledger.book import Book
    from synapse_cli.ledger.recorded import Record
    from synapse_cli.ledger.shadowing import Queued


class Session:
    """One profile, ready to answer. `warn` takes each warning once; `warm` are another session's models, by name."""

    def __init__(
        self, profile: Profile, ask: Ask, witness: Witness, *, clock: Clock | None = None, warm: Warm | None = None
    ) -> None:
        self.profile = profile
        self.ask = ask
        self.witness = witness
        self.clock = clock or SystemClock()
        self._warnings: list[str] = []
        self.started = self.clock.now()
        self.run_id = new_run_id(self.started)
        self._began = self.clock.monotonic()
        self.local_tiers: set[str] = set()
        self._made_up: dict[str, Model] = {}
        self._planned: Decision | None = None
        self._unexplored: Way | None = None
        self._limits: tuple[str, Limits] | None = None
        self.tenant = tenant_of(profile, ask.tenant)
        seconds = seconds_of_run(profile, ask, self.tenant)
        self._is_one_of_many = warm is not None
        self.control = Control(None if seconds is None else self._began + seconds, self.clock.monotonic)
        self.budgets = Budgets(
            profile,
            ask,
            self.tenant,
            run_id=self.run_id,
            folder=lambda: folder_of("state"),
            warn=self.warn,
            now=self.clock.now,
        )
        self.meter = self.budgets.meter
        self.telling = Telling(profile.telemetry, self.started, self.clock, self.warn)
        self.calls = Calls(
            profile,
            ask,
            witness,
            self.budgets,
            warn=self.warn,
            warm={} if warm is None else warm,
            paced=lambda: self.paced,
            traced=self.telling.traced,
            record=lambda: self.calls_record,
            nearly=lambda: self.nearly,
        )

    # --- the choice ---

    def choose(self) -> Decision:
        """Decide the route; a model that was named needs none."""
        from synapse_cli.flows.choosing import choose

        decision = choose(self)
        route = self.profile.routes.get(decision.route)
        return decision if route is None or route.policy is None else self.deciding.under_policy(decision)

    def explored(self, decision: Decision) -> Decision:
        """The decision, or now and then one for another way, to learn what that is worth."""
        if not self.profile.routing.explore or decision.policy is None or self._is_one_of_many:
            return decision  # a bench measures what the policy itself chooses
        from synapse_cli.flows.exploring import explored

        tried = explored(self, decision)
        self._unexplored = None if tried is decision else decision.way
        return tried

    @cached_property
    def deciding(self) -> Deciding:
        """The policies of the routes."""
        from synapse_cli.flows.deciding import Deciding

        return Deciding(self)

    def limits(self, route: str) -> Limits:
        """What a run on this route asks of whoever answers it."""
        if self._limits is None or self._limits[0] != route:
            from synapse_cli.flows.limits import Limits

            self._limits = route, Limits(self, self.profile.routes.get(route))
        return self._limits[1]

    def plan(self, decision: Decision) -> Plan:
        """Lay out the stages of a decision."""
        ask, named = self.ask, None
        self._planned = decision
        if ask.model is not None:
            from synapse_cli.profile import aliases
            from synapse_cli.profile.load import ad_hoc_model

            named = ad_hoc_model(
                ask.model,
                self.profile,
                lookup=find_hosted,
                near=near_hosted,
                alias=lambda name: aliases.known(os.environ, self.witness).get(name),
            )
            self._made_up[named.name] = named
            if (named.source or "").startswith("hf:"):
                from synapse_cli.backends.catalog_source import parse

                parse(named.source or "")
        elif (seconds := self.budgets.take_route(self.profile.routes[decision.route])) is not None:
            ends = self._began + seconds
            self.control.deadline = ends if self.control.deadline is None else min(ends, self.control.deadline)
        return plan(self.profile, ask, decision, named, self.witness, unexplored=self._unexplored)

    # --- the call ---

    def tier(self, rung: Rung, *, keeps: bool = True) -> Tier:
        """Wire one rung: cached, metered, and set aside where a flag forbids it."""
        model = rung.model
        is_local = self.is_local(model)
        for part in (self.calls.warm.get(model.name), *rung.checks):
            for path in getattr(part, "files", ()):
                self.witness.read(path)
        if is_local:
            self.local_tiers.add(model.name)
        return Tier(
            name=model.name,
            model=model.name,
            backend=self.chain(model, keeps=keeps),
            request=rung.request,
            checks=rung.checks,
            is_local=is_local,
            obstacle=self._passed_over(rung),
            max_attempts=model.max_attempts,
            may_repeat=None if is_local else lambda: self.paced.may_repeat(model),
        )

    def chain(self, model: Model, *, keeps: bool, kind: str = "tier") -> Backend:
        """Everything between the run and a model; `kind` is what its calls are for, as the record says it."""
        return self.calls.chain(model, self.store, keeps=keeps, ttl_s=self.ttl_s, kind=kind)

    def model(self, name: str) -> Model | None:
        """A model of this run by name: the profile's, or the one that `-m` made up."""
        return self.profile.models.get(name) or self._made_up.get(name)

    def obstacle(self, model: Model) -> SynapseError | None:
        """Why a model may not be asked, or None where it may."""
        is_local = self.is_local(model)
        if self.ask.local_only and not is_local:
            return NotAllowed("--local-only keeps it from being asked", "leave --local-only out")
        if self.ask.hosted_only and is_local:
            return NotAllowed("--hosted-only keeps it from being asked", "leave --hosted-only out")
        return forbidden(self.tenant, model, is_local=is_local, is_named=self.ask.model is not None)

    def encode(self, texts: Sequence[str], model: Model | None = None) -> Vectors:
        """Vectors of this encoder, else the profile's, else MiniLM's. Raises SynapseError where there is none."""
        from synapse_cli.flows.encoding import find_model, open_encoder

        model = model or find_model(self.profile.routing.encoder, self.profile)
        if (obstacle := self.obstacle(model)) is not None:
            raise obstacle
        encoder = open_encoder(model, self.profile, warn=self.warn, hosts=self.ask.hosts)
        return encoder.encode(texts, self.control)

    def is_local(self, model: Model) -> bool:
        """Whether a model is of the local tier."""
        return self.calls.is_local(model)

    def facts(self, model: Model) -> Facts:
        """What is known of a model without calling it."""
        return self.calls.facts(model)

    def backend(self, model: Model) -> Backend:
        """The model's own backend, without cache, budget and limits."""
        return self.calls.backend(model)

    def request_key(self, model: Model, request: Request) -> str:
        """The content address of one call."""
        return self.calls.request_key(model, request)

    def is_kept(self, rung: Rung) -> bool:
        """Whether this very call is in the cache."""
        if self.store is None:
            return False
        try:
            key = self.request_key(rung.model, rung.request)
        except (OSError, BackendError):
            return False
        return self.store.get_completion(key, max_age_s=self.ttl_s) is not None

    def check_keys(self, model: Model) -> None:
        """Raise KeyMissing where a hosted model has no key; a `cmd:` key is not run for it."""
        if takes_keys(model):
            from synapse_cli.flows.parts import check_keys

            check_keys(model)

    # --- the verdict ---

    def judge(self, tier: Tier, completion: Completion) -> tuple[Verdict, ...]:
        """Judge an answer; a verdict that was kept beside a finished call is not made again."""
        if not tier.checks:
            return ()
        key, store, rules = completion.cache_key, self.store, self._rules_hash(tier)
        if key is not None and store is not None and completion.cached:
            kept = store.get_verdicts(key, rules)
            if kept is not None:
                return kept
        if any(check.kind == "command" for check in tier.checks):
            self.control.family = self.budgets.share(self.control)
        from synapse_cli.flows.judging import is_whole, judged

        verdicts = judged(self, tier, completion)
        if key is not None and store is not None and is_whole(verdicts):
            store.put_verdicts(key, rules, verdicts)
        return verdicts

    # --- the record ---

    def begin(self) -> None:
        """Open the run's record, so that one that is killed is still seen."""
        if self.book is not None:
            from synapse_cli.ledger.rows import Begun

            ask = self.ask
            self.book.begin(
                Begun(
                    run_id=self.run_id,
                    started=self.started,
                    tenant=ask.tenant,
                    prompt=ask.prompt,
                    system=ask.system,
                )
            )

    def record(self, decision: Decision, outcome: Outcome, command: str = "run") -> Run:
        """Make the run's story and write it down, and put what is to be looked at again into the queue."""
        run = Run(
            run_id=self.run_id,
            started=self.started,
            latency_s=self.clock.monotonic() - self._began,
            prompt=self.ask.prompt,
            system=self.ask.system,
            decision=decision,
            outcome=outcome,
            profile_hash=self.profile.hash,
            saved=saved(self, decision, outcome) if command == "run" else Decimal(0),
            warnings=tuple(self.warnings),
            tenant=self.ask.tenant,
            local_tiers=frozenset(self.local_tiers),
        )
        if self.book is not None:
            self.book.record(run, command, shadow=self._shadow(decision, outcome) if command == "run" else None)
        if "paced" in self.__dict__:
            self.paced.close()
        self.telling.tell(run)
        return run

    def _shadow(self, decision: Decision, outcome: Outcome) -> Queued | None:
        """What of this run a dearer tier is to look at; nothing where the profile does not ask for it."""
        if not self.profile.shadow.share or self.ask.model is not None:
            return None
        from synapse_cli.flows.shadow import queued

        return queued(self, decision, outcome)

    def record_failure(self, error: SynapseError) -> None:
        """Write down a run that ended before a route was known."""
        self.record(Decision("-", "no route was chosen", "default"), Outcome(attempts=(), best=None, error=error))

    @cached_property
    def store(self) -> Store | None:
        """The cache, or None where it is off."""
        if self.ask.cache == "off" or not self.profile.cache.enabled:
            return None
        from synapse_cli.cache.exact import Exact

        folder = cache_folder(folder_of("cache"), self.ask.tenant)
        return Exact(folder, max_size=self.profile.cache.max_size, warn=self.warn)

    @cached_property
    def nearly(self) -> Nearly:
        """Answers to prompts like this one, looked for after an exact miss where the profile wants it."""
        from synapse_cli.flows.nearly import Nearly

        folder, mode = cache_folder(folder_of("cache"), self.ask.tenant), self.ask.cache
        return Nearly(
            self.profile,
            self.ask,
            folder=folder,
            encode=self.encode,
            mode="normal" if mode == "off" else mode,
            warn=self.warn,
        )

    @cached_property
    def book(self) -> Book | None:
        """The ledger, or None where `--no-log` turned it off."""
        if not self.ask.log:
            return None
        from synapse_cli.ledger.book import Book

        return Book(folder_of("state"), self.profile.ledger, warn=self.warn, stays=self._is_one_of_many)

    @cached_property
    def paced(self) -> Paced:
        """What all processes know together of the providers."""
        from synapse_cli.flows.paced import Paced

        folder, breaker = folder_of("state"), self.profile.breaker
        return Paced(folder, breaker, self.clock, self.warn, stays=self._is_one_of_many)

    @cached_property
    def calls_record(self) -> Record | None:
        """Where this run's calls are written down, or None where `--no-log` turned it off."""
        if self.book is None:
            return None
        from synapse_cli.ledger.recorded import Record

        return Record(self.book, self.run_id, self.clock)

    def warn(self, message: str) -> None:
        """Keep a warning for the end of the run; each once."""
        if message not in self._warnings:
            self._warnings.append(message)

    @property
    def warnings(self) -> list[str]:
        """What is to be said at the end; what could not be kept, in one line."""
        return gathered(self._warnings)

    # --- below: how ---

    def _passed_over(self, rung: Rung) -> SynapseError | None:
        """Why a tier is not asked: what forbids its model, and what the limits of this run say of it."""
        decision = self._planned
        if decision is None:
            return self.obstacle(rung.model)
        quality = None if decision.policy is None else self.deciding.quality(decision, rung.model.name)
        return self.limits(decision.route).obstacle(rung.model, rung.request, quality)

    @property
    def ttl_s(self) -> float | None:
        """How long an answer of this run is kept."""
        return self.ask.cache_ttl_s if self.ask.cache_ttl_s is not None else self.profile.cache.ttl_s

    def _rules_hash(self, tier: Tier) -> str:
        """The rules that bind a tier, by value: checks are frozen, and their text says all they hold but the models."""
        asked = [self.model(name) for check in tier.checks for name in getattr(check, "models", ())]
        return hashlib.sha256("\n".join(map(repr, (*tier.checks, *asked))).encode()).hexdigest()
