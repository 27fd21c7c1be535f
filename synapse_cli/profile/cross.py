"""Check what a profile's tables say of each other: names that must exist, rules and parameters that must make sense."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from synapse_cli.core import registry
from synapse_cli.core.errors import NotRegistered, SynapseError
from synapse_cli.core.options import Options
from synapse_cli.profile.model import PROMPT_LOOKUP
from synapse_cli.profile.parse import BROKEN, nearest, shown
from synapse_cli.profile.sources import KeyPath, Sources, Table, dotted

if TYPE_CHECKING:
    from synapse_cli.profile.model import Profile
    from synapse_cli.profile.schema import (
        CascadeTable,
        ModelTable,
        ProfileTable,
        RouteTable,
        TemplateTable,
        TenantTable,
    )

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+ -]*")
_A_SLIP = 0.8
"""Providers have parameters that we do not know; only what is this like one that we know is taken for a slip."""


def check(table: ProfileTable, sources: Sources, *, may_import: bool) -> list[str]:
    """Report what does not fit together to `sources`; return warnings. Plugins are imported only if they may be."""
    known = {kind: _names(sources.data, kind) for kind in ("models", "routes", "cascades", "templates")}
    for kind, names in {**known, "tenants": _names(sources.data, "tenants")}.items():
        _check_names(kind, names, sources)
    for both in sorted({*known["models"]} & {*known["cascades"]}):
        sources.problem(("cascades", both), f"the name {both!r}, which a model has too", "a name of its own")
    for name, route in table.routes.items():
        _check_route(name, route, known, sources)
    for name, cascade in table.cascades.items():
        _check_tiers(name, cascade, known, sources)
    for name, model in table.models.items():
        _check_model(name, model, sources)
        _check_draft(name, model, known["models"], table, sources)
    for name, template in table.templates.items():
        _check_template(name, template, sources)
    for name, tenant in table.tenants.items():
        _check_tenant(name, tenant, known, sources)
    _check_named(table, known["models"], sources)
    _check_default(table, known["routes"], sources)
    _check_params(table, sources)
    return [*_check_backends(table, sources, may_import), *_check_rules(table, sources, may_import)]


def check_schemas(profile: Profile, sources: Sources) -> None:
    """A route's JSON Schema is judged by the check that will use it."""
    for name, route in profile.routes.items():
        if route.schema is None:
            continue
        options = Options({"inline": route.schema}, file=sources.file_of(("routes", name)), where=f"routes.{name}")
        try:
            registry.load("checks", "schema").parse(options)  # type: ignore[attr-defined]  # a Check has it
        except ImportError:
            return  # without jsonschema the rule itself says so
        for problem in options.finish():
            sources.problem(("routes", name, "schema"), problem.found, problem.expected, problem.hint)


def _names(data: Table, kind: str) -> list[str]:
    entries = data.get(kind)
    return list(entries) if isinstance(entries, dict) else []


def _check_names(kind: str, names: Iterable[str], sources: Sources) -> None:
    for name in names:
        if not _NAME.fullmatch(name) or name.endswith((".gguf", " ")):
            expected = "a name of letters, digits and _ - . : (no slash: that means provider/id or a path)"
            sources.problem((kind, name), f"the name {shown(name)}", expected)


def _unknown(where: KeyPath, name: str, what: str, known: Iterable[str], sources: Sources) -> None:
    names = list(known)
    if name not in names:
        expected = "one of " + ", ".join(names) if names else f"a {what}, and the profile has none"
        sources.problem(where, f"{shown(name)}, which is no {what}", expected, nearest(name, names))


def _check_route(name: str, route: RouteTable, known: Mapping[str, list[str]], sources: Sources) -> None:
    at = ("routes", name)
    targets = [*known["models"], *known["cascades"]]
    _check_aim(at, sources)
    if route.use is not None:
        _unknown((*at, "use"), route.use, "model or cascade", targets, sources)
    for number, target in enumerate(route.fallback):
        _unknown((*at, "fallback", number), target, "model or cascade", targets, sources)
        if target in (route.use, *route.fallback[:number]):
            expected = "each model or cascade once"
            sources.problem((*at, "fallback", number), f"a cycle: {target!r} was tried before", expected)
    if route.template is not None:
        _unknown((*at, "template"), route.template, "template", known["templates"], sources)
    _check_when(at, route, sources)


def _check_aim(at: KeyPath, sources: Sources) -> None:
    raw = _raw(at, sources)
    if "use" in raw and "run" in raw:
        sources.problem(at, "both use and run", "one of them")
    if "run" in raw and "policy" in raw:
        sources.problem((*at, "policy"), "a policy for a command", "none: run has no models to choose among")
    if not {"use", "run", "policy"} & {*raw}:
        expected = "use = a model or a cascade, run = a command, or policy = what synapse tune wrote"
        sources.problem(at, "neither use nor run nor policy", expected)
    if "run" in raw and "system" in raw:
        sources.problem((*at, "system"), "a system prompt for a command", "none: run has no model to tell")


def _raw(at: KeyPath, sources: Sources) -> Table:
    """The model or route as it was written, with the keys that were wrong."""
    entries = sources.data[str(at[0])]
    assert isinstance(entries, dict)
    raw: Table = entries[at[1]]
    return raw


def _check_when(at: KeyPath, route: RouteTable, sources: Sources) -> None:
    when = route.when
    if when is None:
        return
    if _raw(at, sources).get("when") == {}:
        sources.problem((*at, "when"), "no condition", "at least one of task, regex, keywords, glob, prompt_over, …")
    if when.prompt_over is not None and when.prompt_under is not None and when.prompt_over + 1 >= when.prompt_under:
        found = f"over {when.prompt_over} and under {when.prompt_under}"
        sources.problem((*at, "when"), found, "sizes that a prompt can have")


def _check_tiers(name: str, cascade: CascadeTable, known: Mapping[str, list[str]], sources: Sources) -> None:
    at = ("cascades", name, "tiers")
    for number, tier in enumerate(tier for tier in cascade.tiers if tier != BROKEN):
        if tier in known["cascades"] and tier not in known["models"]:
            sources.problem((*at, number), f"the cascade {tier!r}", "a model: cascades do not nest")
        else:
            _unknown((*at, number), tier, "model", known["models"], sources)
        if tier in cascade.tiers[:number]:
            sources.problem((*at, number), f"{shown(tier)} again", "each model once")


def _check_tenant(name: str, tenant: TenantTable, known: Mapping[str, list[str]], sources: Sources) -> None:
    """Names must exist; globs, and what `-m` may name beside the profile's models, need not."""
    at = ("tenants", name)
    for key, kind, names in (("tiers", "models", tenant.tiers), ("routes", "routes", tenant.routes)):
        for number, each in enumerate(names or ()):
            if not any(letter in each for letter in "*?["):
                _unknown((*at, key, number), each, kind[:-1], known[kind], sources)
    for number, each in enumerate(tenant.models or ()):
        if not any(letter in each for letter in "*?[/"):
            _unknown((*at, "models", number), each, "model", known["models"], sources)


def _check_named(table: ProfileTable, models: list[str], sources: Sources) -> None:
    """Who is asked beside the tiers is a model of the profile, or MiniLM where vectors are wanted."""
    named: list[tuple[KeyPath, str | None, list[str]]] = [
        (("routing", "encoder"), table.routing.encoder, [*models, "minilm"]),
        (("routing", "judge"), table.routing.judge, models),
        (("routing", "analyst"), table.routing.analyst, models),
        (("shadow", "model"), table.shadow.model, models),
        (("shadow", "judge"), table.shadow.judge, models),
        (("cache", "semantic", "encoder"), table.cache.semantic.encoder, [*models, "minilm"]),
    ]
    for where, name, known in named:
        if name is not None:
            _unknown(where, name, "model", known, sources)
    for name, model in table.models.items():
        encoder = getattr(model, "encoder", None)
        if isinstance(encoder, str):
            _unknown(("models", name, "encoder"), encoder, "model", [*models, "minilm"], sources)
    kept = table.cache.semantic
    if kept.enabled and kept.similarity is None and kept.unsafe_threshold is None:
        expected = "similarity = what synapse cache calibrate wrote, or unsafe_threshold = a likeness taken on trust"
        sources.problem(
            ("cache", "semantic", "enabled"), "true, and nothing that says when two prompts are one", expected
        )


def _check_draft(name: str, model: ModelTable, known: list[str], table: ProfileTable, sources: Sources) -> None:
    """What guesses ahead is another model whose file is here too."""
    at, draft = ("models", name, "draft"), getattr(model, "draft", None)
    if draft is None or draft == PROMPT_LOOKUP:
        return
    _unknown(at, draft, "model", [*(each for each in known if each != name), PROMPT_LOOKUP], sources)
    if draft in table.models and draft != name and getattr(table.models[draft], "source", None) is None:
        sources.problem(at, f"{shown(draft)}, which is asked elsewhere", "a model with a source: it guesses here")


def _check_model(name: str, model: ModelTable, sources: Sources) -> None:
    at, source = ("models", name), getattr(model, "source", None) or ""
    if source.startswith("https:") and "sha256" not in _raw(at, sources):
        expected = "the SHA-256 of the file: an address alone says nothing about what comes from it"
        sources.problem((*at, "sha256"), "nothing", expected)
    if getattr(model, "sha256", None) is not None and not source.startswith("https:"):
        sources.problem((*at, "sha256"), f"one for {shown(source)}", "none: it belongs to an https: source")
    if model.backend == "encoder" and bool(source) == bool(getattr(model, "model", None)):
        found = "both source and model" if source else "neither source nor model"
        sources.problem(at, found, "source = a GGUF here, or model = a provider's encoder")


def _check_template(name: str, template: TemplateTable, sources: Sources) -> None:
    at = ("templates", name, "defaults")
    holes = set(re.findall(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}", template.prompt + (template.system or "")))
    for key in template.defaults:
        if key == "input" or key not in holes:
            expected = "a name that stands in {{ }} in its prompt or system, other than input"
            sources.problem((*at, key), "a parameter that the template has not", expected, nearest(key, holes))


def _check_default(table: ProfileTable, routes: list[str], sources: Sources) -> None:
    chosen = table.defaults.route
    if chosen is not None:
        _unknown(("defaults", "route"), chosen, "route", routes, sources)
    elif "default" not in routes and not isinstance(sources.data.get("defaults"), str):
        expected = "a route that is taken when no other is: [routes.default], or defaults.route = its name"
        sources.problem(("routes", "default"), "nothing", expected, nearest("default", routes))
    default = chosen or "default"
    if default in table.routes and table.routes[default].when is not None:
        expected = "none: this route is taken when no other is"
        sources.problem(("routes", default, "when"), "conditions on the default route", expected)


def _check_params(table: ProfileTable, sources: Sources) -> None:
    _check_table_of_params(("defaults", "params"), table.defaults.params, sources)
    for name, model in table.models.items():
        _check_table_of_params(("models", name, "params"), model.params, sources)


def _check_table_of_params(at: KeyPath, params: Mapping[str, object], sources: Sources) -> None:
    from synapse_cli.profile.fields import KNOWN_PARAMS, RESERVED_PARAMS

    for key, value in params.items():
        words, is_right = KNOWN_PARAMS.get(key, ("", lambda _value: True))
        if key in RESERVED_PARAMS:
            expected = "no such parameter: Synapse sets it itself (see timeout_s, base_url, keys, fallback)"
            sources.problem((*at, key), "a reserved parameter", expected)
        elif not is_right(value):
            sources.problem((*at, key), shown(value), words)
        elif not words and nearest(key, KNOWN_PARAMS, likeness=_A_SLIP):
            known = "one of " + ", ".join(KNOWN_PARAMS)
            hint = nearest(key, KNOWN_PARAMS, likeness=_A_SLIP)
            sources.problem((*at, key), "an unknown parameter", known, hint)


def _check_backends(table: ProfileTable, sources: Sources, may_import: bool) -> list[str]:
    """A backend's own keys are judged by its class, through `check_options(options)` where it has one."""
    warnings: list[str] = []
    for name, model in table.models.items():
        at = ("models", name)
        if model.backend in ("llama.cpp", "litellm", "encoder", "student") or not (
            may_import or _is_harmless("backends", model.backend)
        ):
            continue
        _check_json(at, model.model_extra, sources)
        options = Options(model.model_extra or {}, file=sources.file_of(at), where=dotted(at))
        try:
            judge = getattr(registry.load("backends", model.backend), "check_options", None)
            if judge is not None:
                judge(options)
        except NotRegistered as error:
            sources.problem((*at, "backend"), error.message, "the name of a backend", error.hint)
        except SynapseError as error:
            sources.problem((*at, "backend"), error.message, "a plugin that works", error.hint)
        except Exception as error:
            if registry.is_plugin("backends", model.backend):
                sources.problem((*at, "backend"), _failing(model.backend, error), "a plugin that works")
            elif isinstance(error, ImportError | AttributeError):
                warnings.append(f"{dotted((*at, 'backend'))}: {model.backend} was not checked: {error}")
            else:
                raise
        else:
            if judge is not None:
                _report(options, sources)
    return warnings


def _check_rules(table: ProfileTable, sources: Sources, may_import: bool) -> list[str]:
    """An accept rule's keys are judged by its class."""
    warnings: list[str] = []
    for name, cascade in table.cascades.items():
        for number, rule in enumerate(cascade.accept):
            where = ("cascades", name, "accept", number)
            if rule.kind == BROKEN or not (may_import or _is_harmless("checks", rule.kind)):
                continue
            _check_json(where, rule.model_extra, sources)
            options = Options(rule.model_extra or {}, file=sources.file_of(where), where=dotted(where))
            try:
                check = registry.load("checks", rule.kind).parse(options)  # type: ignore[attr-defined]  # a Check has it
                for asked in getattr(check, "models", ()):
                    _unknown(where, asked, "model", table.models, sources)
            except NotRegistered as error:
                sources.problem((*where, "kind"), shown(rule.kind), "the name of a check", error.hint)
            except SynapseError as error:
                sources.problem(where, error.message, "a rule that works", error.hint)
            except Exception as error:
                if registry.is_plugin("checks", rule.kind):
                    sources.problem(where, _failing(rule.kind, error), "a rule that works")
                elif isinstance(error, ImportError | AttributeError):
                    warnings.append(f"{dotted(where)}: {rule.kind} was not checked: {error}")
                else:
                    raise
            else:
                _report(options, sources)
    return warnings


def _failing(name: str, error: Exception) -> str:
    return f"the plugin {name!r}, which fails on its options: {registry.said(error)}"


def _check_json(at: KeyPath, extra: Mapping[str, object] | None, sources: Sources) -> None:
    from synapse_cli.profile.fields import JSON_ONLY, is_json

    for key, value in (extra or {}).items():
        if not is_json(value):
            sources.problem((*at, key), shown(value), JSON_ONLY)


def _is_harmless(kind: registry.Kind, name: str) -> bool:
    """Whether looking a name up imports nobody else's code: it is our own, or it is nobody's."""
    return not registry.is_plugin(kind, name) or name not in registry.names(kind)


def _report(options: Options, sources: Sources) -> None:
    sources.problems.extend(options.finish())
