"""Turn a decision into rungs to climb: which models, what each is asked, and what its answer must pass."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from synapse_cli.core.errors import ModelMissing, ProfileError, UsageError
from synapse_cli.core.options import Options
from synapse_cli.core.outcome import Decision
from synapse_cli.core.ports import Check
from synapse_cli.core.prompt import Json, Request
from synapse_cli.core.registry import is_plugin, load
from synapse_cli.core.way import Way
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.profile.model import Cascade, Model, Profile, Route, Rule

_AN_EXTRA = "builtin:minilm"
"""What is not part of every installation."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One tier before it is wired to a backend."""

    model: Model
    request: Request
    rules: tuple[Rule, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """The rungs of one cascade, or of one model; a route's fallbacks are further stages."""

    name: str
    rungs: tuple[Rung, ...]
    max_attempts: int | None = None
    skip_unaffordable: bool = False
    explores: bool = False
    """Whether it is tried only to learn: unless it gives an accepted answer, the next stage is asked."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be tried, in order: a stage is reached only where the one before gave no answer at all."""

    decision: Decision
    stages: tuple[Stage, ...]
    keeps: bool = True
    """Whether answers of this route may be cached."""


def plan(
    profile: Profile,
    ask: Ask,
    decision: Decision,
    named: Model | None,
    witness: Witness,
    *,
    unexplored: Way | None = None,
) -> Plan:
    """Lay out the stages of a decision; `named` is the model of `-m`. Raises UsageError for what cannot be.

    `witness` is told of an extra that is not here: once it is, the way is another. `unexplored` is the way that would
    have been taken where another one is tried.
    """
    if named is not None:
        stages = [
            _stage(
                profile, ask, Cascade(name=named.name, tiers=(named.name,)), None, {named.name: named}, witness=witness
            )
        ]
        return Plan(decision, tuple(_filtered(stages, ask)))
    route = profile.routes[decision.route]
    cascades = [_cascade(profile, name) for name in route.fallback]
    if decision.way is not None:
        cascades.insert(0, _of_way(profile, route, decision.way))
    elif route.use:
        cascades.insert(0, _cascade(profile, route.use))
    if unexplored is not None:
        cascades.insert(1, _of_way(profile, route, unexplored))
    models = dict(profile.models)
    if route.run:
        program = _program(profile, route)
        models[program.name] = program
        cascades.insert(0, _cascade(profile, program.name))
    stages = [_stage(profile, ask, cascade, route, models, witness=witness) for cascade in cascades]
    if unexplored is not None:
        stages[0] = replace(stages[0], skip_unaffordable=True, explores=True)
    return Plan(decision, tuple(_filtered(stages, ask)), route.cache)


def _program(profile: Profile, route: Route) -> Model:
    """The command of a route, as a tier like any other."""
    name = f"run:{os.path.basename(route.run[0])}"
    return Model(name=name, backend="command", options={"argv": list(route.run)}, file=route.file or profile.path)


def _cascade(profile: Profile, name: str) -> Cascade:
    return profile.cascades.get(name) or Cascade(name=name, tiers=(name,))


def _of_way(profile: Profile, route: Route, way: Way) -> Cascade:
    """What the policy chose, in the place of the route's `use`.

    What `use` says of a valid answer still binds, since no policy knows what answers are for; what raises doubt is the
    policy's own business: it was learned together with the way.
    """
    used = _cascade(profile, route.use) if route.use else Cascade(name=way.name, tiers=way.tiers)
    valid = tuple(rule for rule in used.accept if _check(rule).binds == "validity")
    learned = [_learned_rule(text, route, profile, number) for number, text in enumerate(way.accept)]
    known = [(rule.kind, dict(rule.options)) for rule in valid]
    new = tuple(rule for rule in learned if (rule.kind, dict(rule.options)) not in known)
    return replace(used, name=way.name, tiers=way.tiers, accept=valid + new)


def _learned_rule(text: str, route: Route, profile: Profile, number: int) -> Rule:
    """A rule of the way that a policy chose. Raises ProfileError for one that a profile could not hold either."""
    table, where = json.loads(text), f"accept[{number}]"
    options = {key: value for key, value in table.items() if key != "kind"}
    rule = Rule(kind=table["kind"], options=options, file=route.policy or "", where=where)
    read = Options(options, file=rule.file, where=where)
    check = load("checks", rule.kind).parse(read)  # type: ignore[attr-defined]  # the registry holds Checks
    for name in getattr(check, "models", ()):
        if name not in profile.models:
            read.problem("", f"the model {name!r}", "a model of this profile", "declare it, or run synapse tune again")
    if problems := read.finish():
        raise ProfileError(problems)
    return rule


def _stage(
    profile: Profile, ask: Ask, cascade: Cascade, route: Route | None, models: Mapping[str, Model], *, witness: Witness
) -> Stage:
    rungs = []
    schema = ask.schema if ask.schema is not None else (route.schema if route and ask.grammar is None else None)
    rules = _rules(cascade, ask, schema)
    tiers = _present(cascade.tiers, ask, models, witness)
    for name in tiers:
        model = models[name]
        request = _request(profile, ask, route, model, schema)
        is_last = name == tiers[-1]
        parsed = [(rule, _check(rule)) for rule in rules]
        parsed.sort(key=lambda each: not getattr(each[1], "revises", False))  # the others judge what it wrote
        bound = [(rule, check) for rule, check in parsed if check.binds == "validity" or not is_last]
        for _, check in parsed:
            if (ready := getattr(check, "ready", None)) is not None:
                ready(request)  # a rule without its labels or schema is found before a call is paid for
        if model.backend == "litellm" and any(check.kind == "confidence" for _, check in bound):
            request = _asking_logprobs(request)
        rungs.append(Rung(model, request, tuple(r for r, _ in bound), tuple(c for _, c in bound)))
    return Stage(cascade.name, tuple(rungs), cascade.max_attempts, cascade.on_budget == "cheaper")


def _present(tiers: Sequence[str], ask: Ask, models: Mapping[str, Model], witness: Witness) -> list[str]:
    """The tiers, without MiniLM where it is not on this machine: it is an extra that a profile may count on or not."""
    if all(models[name].source != _AN_EXTRA or name in (ask.tier, ask.max_tier) for name in tiers):
        return list(tiers)
    from synapse_cli.backends.minilm import is_here, path

    if is_here(os.environ):
        return list(tiers)
    try:
        witness.looked_for(path(os.environ))
    except ModelMissing:
        pass  # there is no folder where it could ever be
    return [name for name in tiers if models[name].source != _AN_EXTRA] or list(tiers)


def _rules(cascade: Cascade, ask: Ask, schema: Json) -> tuple[Rule, ...]:
    """The cascade's rules, and those that a flag or a route's schema implies: what was asked for is checked."""
    rules = list(cascade.accept)
    kinds = {rule.kind for rule in rules}
    if schema is not None and "schema" not in kinds:
        rules.insert(0, Rule(kind="schema", options={}, file="", where="--schema"))
    if ask.choices and "choices" not in kinds:
        rules.insert(0, Rule(kind="choices", options={}, file="", where="--choices"))
    return tuple(rules)


def _check(rule: Rule) -> Check:
    options = Options(rule.options, file=rule.file, where=rule.where)
    check: Check = load("checks", rule.kind).parse(options)  # type: ignore[attr-defined]  # the registry holds Checks
    if is_plugin("checks", rule.kind):
        from synapse_cli.core.foreign import foreign_check

        return foreign_check(rule.kind, check)
    return check


def _request(profile: Profile, ask: Ask, route: Route | None, model: Model, schema: Json) -> Request:
    from synapse_cli.context.compose import compose
    from synapse_cli.context.inputs import Input

    name = ask.template or (route.template if route else None)
    if name is None and ask.template_params:
        raise UsageError("-p sets a template's parameters, and there is no template", "name one with -t NAME")
    if name is not None and name not in profile.templates:
        known = ", ".join(profile.templates) or "none"
        raise UsageError(f"there is no template named {name!r}", f"templates of this profile: {known}")
    given = Input(text=ask.prompt, words=ask.words, attached=ask.input)
    template = None if name is None else profile.templates[name]
    composed = compose(given, template, ask.template_params, ask.system)
    system = composed.system
    if system is None:
        system = route.system if route and route.system is not None else profile.defaults.system
    return Request(
        messages=replace(composed, system=system).messages,
        params={**profile.defaults.params, **effort(model), **model.params, **ask.params},
        choices=ask.choices,
        schema=None if schema is None else json.dumps(schema, sort_keys=True, ensure_ascii=False),
        grammar=ask.grammar,
        template_version=composed.template_version,
    )


def effort(model: Model) -> Mapping[str, Json]:
    """The model's own effort stands among its parameters, so that a flag outdoes it and the cache tells them apart."""
    return {} if model.effort is None else {"effort": model.effort}


def _asking_logprobs(request: Request) -> Request:
    return replace(request, params={"logprobs": True, **request.params})


def _filtered(stages: Sequence[Stage], ask: Ask) -> list[Stage]:
    """Keep the tiers that `--tier` and `--max-tier` allow; which rules bind a tier does not change by that."""
    wanted = ask.tier or ask.max_tier
    if wanted is None:
        return list(stages)
    names = [rung.model.name for stage in stages for rung in stage.rungs]
    if wanted not in names:
        raise UsageError(f"there is no tier {wanted!r} on this way", "tiers: " + ", ".join(dict.fromkeys(names)))
    kept: list[Stage] = []
    for stage in stages:
        if ask.tier:
            rungs = tuple(rung for rung in stage.rungs if rung.model.name == ask.tier)
        else:
            tiers = [rung.model.name for rung in stage.rungs]
            rungs = stage.rungs[: tiers.index(wanted) + 1] if wanted in tiers else stage.rungs
        if rungs:
            kept.append(Stage(stage.name, rungs, stage.max_attempts, stage.skip_unaffordable))
        if ask.max_tier and any(rung.model.name == wanted for rung in rungs):
            break
    return kept
