"""Turn a profile's checked tables into the frozen Profile: absolute paths, Decimals, tuples."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from synapse_cli.core.completion import Price
from synapse_cli.core.prompt import Json
from synapse_cli.core.witness import Witness
from synapse_cli.profile.model import (
    BudgetSettings,
    Cascade,
    Deployment,
    Limits,
    Lora,
    Model,
    Profile,
    Route,
    Rule,
    Template,
    Tenant,
    When,
)
from synapse_cli.profile.parse import BROKEN
from synapse_cli.profile.settings import (
    BreakerSettings,
    CacheSettings,
    Defaults,
    HostSettings,
    LedgerSettings,
    RetrySettings,
    RoutingSettings,
    SemanticSettings,
    ShadowSettings,
    TelemetrySettings,
)
from synapse_cli.profile.sources import KeyPath, Sources, dotted, read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synapse_cli.profile import schema

_SCHEMA_VERSION = 1


def build(table: schema.ProfileTable, sources: Sources, witness: Witness, *, name: str) -> Profile:
    """The Profile that these tables mean; files that it names are read, and what is wrong in them is reported."""
    routes = {key: _route(key, route, sources, witness) for key, route in table.routes.items()}
    cascades = {key: _cascade(key, cascade, sources, witness) for key, cascade in table.cascades.items()}
    return Profile(
        name=name,
        path=sources.root,
        hash=_hash(sources),
        models={key: _model(key, model, table.models, sources) for key, model in table.models.items()},
        routes=routes,
        cascades=cascades,
        templates={key: _template(key, template) for key, template in table.templates.items()},
        tenants={key: _tenant(key, tenant) for key, tenant in table.tenants.items()},
        budget=_budget(table.budget),
        retry=RetrySettings(
            max_attempts=table.retry.max_attempts,
            max_attempts_per_run=table.retry.max_attempts_per_run,
            max_wait_s=table.retry.max_wait,
            max_seconds=table.retry.max_seconds,
        ),
        breaker=BreakerSettings(
            enabled=table.breaker.enabled,
            failures=table.breaker.failures,
            rate=table.breaker.rate,
            window_s=table.breaker.window,
            cooldown_s=table.breaker.cooldown,
        ),
        telemetry=TelemetrySettings(
            file=table.telemetry.file,
            endpoint=table.telemetry.endpoint,
            protocol=table.telemetry.protocol,
            headers=table.telemetry.headers,
            content=table.telemetry.content,
        ),
        routing=_routing(table.routing),
        shadow=_shadow(table.shadow),
        cache=_cache(table.cache, sources),
        ledger=LedgerSettings(text=table.ledger.text, max_size=table.ledger.max_size, keep_s=table.ledger.keep),
        hosts=HostSettings(idle_s=table.hosts.idle, max_memory=table.hosts.max_memory),
        defaults=Defaults(
            route=table.defaults.route or "default",
            system=table.defaults.system,
            params=table.defaults.params,
            max_input=table.defaults.max_input,
        ),
        warnings=_warnings(table, sources),
    )


def _routing(table: schema.RoutingTable) -> RoutingSettings:
    return RoutingSettings(
        order=None if table.order is None else tuple(table.order),
        encoder=table.encoder,
        judge=table.judge,
        analyst=table.analyst,
        out_of_scope=float(table.out_of_scope),
        explore=float(table.explore),
        explore_budget=table.explore_budget,
    )


def _shadow(table: schema.ShadowTable) -> ShadowSettings:
    return ShadowSettings(
        share=float(table.share), model=table.model, judge=table.judge, per_day=table.per_day, keep_s=table.keep
    )


def _cache(table: schema.CacheTable, sources: Sources) -> CacheSettings:
    kept = table.semantic
    _require_file(("cache", "semantic", "similarity"), kept.similarity, "what synapse cache calibrate wrote", sources)
    return CacheSettings(
        enabled=table.enabled,
        ttl_s=table.ttl,
        max_size=table.max_size,
        semantic=SemanticSettings(
            enabled=kept.enabled,
            similarity=kept.similarity,
            unsafe_threshold=kept.unsafe_threshold,
            encoder=kept.encoder,
            ttl_s=kept.ttl,
        ),
    )


def _require_file(where: KeyPath, path: str | None, expected: str, sources: Sources) -> None:
    """A learned file is read when it is needed; that there is none is said now."""
    if path is not None and not os.path.isfile(path):
        sources.problem(where, f"{path}: no such file", f"a file: {expected}")


def _hash(sources: Sources) -> str:
    total = hashlib.sha256()
    for file in sources.files:
        total.update(file.sha256.encode())
    return total.hexdigest()


def _warnings(table: schema.ProfileTable, sources: Sources) -> tuple[str, ...]:
    if table.schema_ <= _SCHEMA_VERSION:
        return ()
    told = (
        f"{sources.root}: written for schema {table.schema_}, this Synapse knows {_SCHEMA_VERSION}: consider upgrading"
    )
    return (told,)


def _model(name: str, table: schema.ModelTable, others: Mapping[str, schema.ModelTable], sources: Sources) -> Model:
    price, draft = getattr(table, "price", None), getattr(table, "draft", None)
    return Model(
        name=name,
        backend=table.backend,
        source=getattr(table, "source", None),
        model=getattr(table, "model", None),
        limits=_limits(getattr(table, "limits", None)),
        deployments=tuple(map(_deployment, getattr(table, "deployments", ()))),
        spread=getattr(table, "spread", "weighted"),
        max_attempts=table.max_attempts,
        base_url=getattr(table, "base_url", None),
        headers=getattr(table, "headers", {}),
        organization=getattr(table, "organization", None),
        project=getattr(table, "project", None),
        keys=tuple(getattr(table, "keys", ())),
        price=Price(price.input, price.output, price.cached) if price else None,
        context=table.context,
        sha256=getattr(table, "sha256", None),
        gpu=getattr(table, "gpu", None),
        gpu_split=tuple(getattr(table, "gpu_split", ())),
        gpu_main=getattr(table, "gpu_main", 0),
        threads=getattr(table, "threads", None),
        keep_alive_s=getattr(table, "keep_alive", None),
        lora=tuple(Lora(file=each.file, scale=each.scale) for each in getattr(table, "lora", ())),
        draft=draft,
        draft_source=getattr(others.get(draft), "source", None) if draft else None,
        prefix_cache=getattr(table, "prefix_cache", "memory"),
        effort=getattr(table, "effort", None),
        pooling=getattr(table, "pooling", None),
        normalize=getattr(table, "normalize", True),
        encoder=getattr(table, "encoder", None),
        too_long=getattr(table, "too_long", "cut"),
        dimensions=getattr(table, "dimensions", None),
        timeout_s=float(table.timeout_s),
        params=table.params,
        tags=tuple(table.tags),
        options=dict(table.model_extra or {}),
        file=sources.file_of(("models", name)),
    )


def _limits(table: schema.LimitsTable | None) -> Limits | None:
    if table is None:
        return None
    return Limits(rpm=table.rpm, tpm=table.tpm, parallel=table.parallel, max_wait_s=table.max_wait)


def _deployment(table: schema.DeploymentTable) -> Deployment:
    return Deployment(
        model=table.model,
        base_url=table.base_url,
        keys=tuple(table.keys),
        weight=float(table.weight),
        limits=_limits(table.limits),
        headers=table.headers,
    )


def _budget(table: schema.BudgetTable) -> BudgetSettings:
    values: dict[str, Any] = {key: tuple(value or ()) if key.startswith("alert") else value for key, value in table}
    return BudgetSettings(**values)


def _tenant(name: str, table: schema.TenantTable) -> Tenant:
    def names(listed: list[str] | None) -> tuple[str, ...] | None:
        return None if listed is None else tuple(listed)

    return Tenant(
        name=name,
        models=names(table.models),
        tiers=names(table.tiers),
        routes=names(table.routes),
        local_only=table.local_only,
        budget=_budget(table.budget) if table.budget else None,
    )


def _route(name: str, table: schema.RouteTable, sources: Sources, witness: Witness) -> Route:
    _require_file(("routes", name, "policy"), table.policy, "what synapse tune -o wrote", sources)
    return Route(
        name=name,
        when=_when(table.when) if table.when else None,
        use=table.use,
        run=tuple(table.run or ()),
        fallback=tuple(table.fallback),
        system=table.system,
        template=table.template,
        schema=_schema(("routes", name, "schema"), table.schema_, sources, witness),
        cache=table.cache and (not table.run or "cache" in table.model_fields_set),  # the world changes, models do not
        file=sources.file_of(("routes", name)),
        budget=_budget(table.budget) if table.budget else None,
        examples=_examples(("routes", name, "examples"), table.examples, sources, witness),
        policy=table.policy,
        max_latency_s=table.max_latency,
        min_quality=table.min_quality,
    )


def _examples(where: KeyPath, listed: list[str], sources: Sources, witness: Witness) -> tuple[str, ...]:
    """The examples themselves, each once; `@FILE` stands for its lines, or for the `text` of each of its rows."""
    found: dict[str, None] = {}
    for number, each in enumerate(listed):
        texts = [each] if not each.startswith("@") else _lines((*where, number), each[1:], sources, witness)
        found.update(dict.fromkeys(text.strip() for text in texts if text.strip()))
    return tuple(found)


def _lines(where: KeyPath, path: str, sources: Sources, witness: Witness) -> list[str]:
    try:
        content, source = read_bytes(path, witness)
        sources.files.append(source._replace(is_profile=False))
        lines = content.decode("utf-8-sig").splitlines()
        if not path.endswith((".jsonl", ".ndjson")):
            return lines
        return [json.loads(line)["text"].strip() for line in lines if line.strip()]
    except UnicodeDecodeError:
        sources.problem(where, f"{path}: bytes that are not UTF-8", "a text file, an example a line")
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, RecursionError):
        sources.problem(where, f"{path}: a line that is no example", 'one JSON object a line, with a "text"')
    except ValueError as error:
        sources.problem(where, f"{path}: {error}", "a text file, an example a line")
    return []


def _when(table: schema.WhenTable) -> When:
    return When(
        task=tuple(table.task or ()),
        regex=tuple(table.regex or ()),
        keywords=tuple(table.keywords or ()),
        glob=tuple(table.glob or ()),
        prompt_over=table.prompt_over,
        prompt_under=table.prompt_under,
        tags=tuple(table.tags or ()),
        language=tuple(each.casefold() for each in table.language or ()),
        domain=tuple(table.domain or ()),
        complexity=tuple(table.complexity or ()),
        tools=table.tools,
    )


def _schema(where: KeyPath, path: object, sources: Sources, witness: Witness) -> Json:
    """The JSON Schema itself; a file is read now, and its change changes the profile."""
    if not isinstance(path, str):
        return path  # type: ignore[return-value]  # schema.RouteTable let only JSON through
    try:
        content, source = read_bytes(path, witness)
        sources.files.append(source._replace(is_profile=False))
        found = json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except RecursionError:
        sources.problem(where, f"{path}: lists or tables nested too deeply", "a JSON Schema")
    except UnicodeDecodeError:
        sources.problem(where, f"{path}: bytes that are not UTF-8", "a JSON Schema")
    except ValueError as error:
        sources.problem(where, f"{path}: {error}", "a JSON Schema")
    else:
        if isinstance(found, dict | bool):
            return found
        sources.problem(where, f"{path}: JSON that is not an object", "a JSON Schema")
    return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name}, which is not JSON")


def _cascade(name: str, table: schema.CascadeTable, sources: Sources, witness: Witness) -> Cascade:
    return Cascade(
        name=name,
        tiers=tuple(table.tiers),
        accept=tuple(
            _rule(("cascades", name, "accept", number), rule, sources, witness)
            for number, rule in enumerate(table.accept)
            if rule.kind != BROKEN
        ),
        max_attempts=table.max_attempts,
        on_budget=table.on_budget,
    )


def _rule(where: KeyPath, table: schema.RuleTable, sources: Sources, witness: Witness) -> Rule:
    options: dict[str, Json] = dict(table.model_extra or {})
    file = options.get("file")
    if table.kind == "schema" and isinstance(file, str):
        _note(file, sources, witness)
    return Rule(kind=table.kind, options=options, file=sources.file_of(where), where=dotted(where))


def _note(path: str, sources: Sources, witness: Witness) -> None:
    """A file that a check reads for itself decides answers too, so its change must be seen."""
    try:
        sources.files.append(read_bytes(path, witness)[1]._replace(is_profile=False))
    except ValueError:
        witness.looked_for(path)  # the check says what is wrong with it


def _template(name: str, table: schema.TemplateTable) -> Template:
    text = f"{table.prompt}\0{table.system or ''}"
    return Template(
        name=name,
        prompt=table.prompt,
        system=table.system,
        defaults=table.defaults,
        version=table.version or hashlib.sha256(text.encode()).hexdigest()[:12],
    )
