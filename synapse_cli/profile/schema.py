"""What a profile's TOML may say: strict tables for pydantic, which also make the JSON Schema for editors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from synapse_cli.core.prompt import Json
from synapse_cli.profile import fields
from synapse_cli.profile.fields import Duration, Money, PerMillion, Regexes, Size, Text, Texts


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class PriceTable(_Strict):
    """Dollars per million tokens."""

    input: PerMillion
    output: PerMillion
    cached: PerMillion | None = None


class LimitsTable(_Strict):
    """What a provider lets one key do, over all processes."""

    rpm: Annotated[int, Field(ge=1)] | None = None
    tpm: Annotated[int, Field(ge=1)] | None = None
    parallel: Annotated[int, Field(ge=1)] | None = None
    max_wait: fields.KeepAlive = 30.0


class DeploymentTable(_Strict):
    """Another place where a model is served."""

    model: fields.LiteLLMName | None = None
    base_url: fields.BaseUrl | None = None
    keys: fields.Keys = []
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    limits: LimitsTable | None = None
    headers: dict[str, fields.Header] | None = None


class _Hosted(BaseModel):
    """What every model has that is asked over a network."""

    limits: LimitsTable | None = None
    deployments: list[DeploymentTable] = []
    spread: Literal["weighted", "ordered", "least_busy", "fastest"] = "weighted"


class _Model(_Strict):
    max_attempts: Annotated[int, Field(ge=1, le=1000)] | None = None
    context: Annotated[int, Field(ge=16, le=100_000_000)] | None = None
    timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    params: fields.Params = {}
    tags: list[Text] = []


class LoraTable(_Strict):
    """An adapter over a local model's weights."""

    file: Text
    scale: Annotated[float, Field(ge=-100, le=100)] = 1.0


class _Local(_Model):
    source: fields.Source
    sha256: fields.Sha256 | None = None
    gpu: fields.Gpu | None = None
    gpu_split: list[Annotated[float, Field(ge=0)]] = []
    gpu_main: Annotated[int, Field(ge=0, le=255)] = 0
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    keep_alive: fields.KeepAlive | None = None


class LlamaCppTable(_Local):
    """A GGUF on this machine."""

    backend: Literal["llama.cpp"]
    effort: fields.Effort | None = None
    lora: list[LoraTable] = []
    draft: Text | None = None
    prefix_cache: Literal["memory", "disk", "off"] = "memory"


class LiteLLMTable(_Model, _Hosted):
    """A model of a provider, or of any server that speaks a provider's dialect."""

    backend: Literal["litellm"]
    model: fields.LiteLLMName
    base_url: fields.BaseUrl | None = None
    headers: dict[str, fields.Header] = {}
    organization: Text | None = None
    project: Text | None = None
    keys: fields.Keys = []
    price: PriceTable | None = None
    effort: fields.Effort | None = None


class EncoderTable(_Local, _Hosted):
    """A model that turns texts into vectors, and labels by their likeness: a GGUF here, or a provider's."""

    backend: Literal["encoder"]
    source: fields.Source | None = None  # type: ignore[assignment]  # a provider's encoder has `model` instead
    model: fields.LiteLLMName | None = None
    base_url: fields.BaseUrl | None = None
    headers: dict[str, fields.Header] = {}
    organization: Text | None = None
    project: Text | None = None
    keys: fields.Keys = []
    price: PriceTable | None = None
    pooling: Literal["mean", "cls", "last"] | None = None
    normalize: bool = True
    too_long: Literal["cut", "chunk"] = "cut"
    dimensions: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class PluginTable(LiteLLMTable):
    """A model of a plugin's backend, which reads further keys itself."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
    backend: fields.OtherBackend  # type: ignore[assignment]  # built-in names have tables of their own
    model: Text | None = None  # type: ignore[assignment]  # what it names is the plugin's to say
    source: Text | None = None


class ScriptedTable(_Model, _Hosted):
    """Replies written down beforehand, for tests, demos and dry runs; `replies` and `record` are the backend's own."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
    backend: Literal["scripted"]
    price: PriceTable | None = None


class StudentTable(_Model):
    """What learned a route's answers from dearer models."""

    backend: Literal["student"]
    source: fields.StudentSource
    encoder: Text | None = None


def backend_tag(value: object) -> str:
    """Which table a model is read by."""
    backend = value.get("backend") if isinstance(value, dict) else None
    return backend if backend in fields.BACKENDS else "plugin"


ModelTable = Annotated[
    Annotated[LlamaCppTable, Tag("llama.cpp")]
    | Annotated[LiteLLMTable, Tag("litellm")]
    | Annotated[EncoderTable, Tag("encoder")]
    | Annotated[ScriptedTable, Tag("scripted")]
    | Annotated[StudentTable, Tag("student")]
    | Annotated[PluginTable, Tag("plugin")],
    Discriminator(backend_tag),
]


class WhenTable(_Strict):
    """Conditions of a route: keys AND, list values OR."""

    task: Texts | None = None
    regex: Regexes | None = None
    keywords: Texts | None = None
    glob: Texts | None = None
    prompt_over: Annotated[int, Field(ge=0)] | None = None
    prompt_under: Annotated[int, Field(ge=1)] | None = None
    tags: Texts | None = None
    language: Texts | None = None
    domain: Texts | None = None
    complexity: list[Literal["simple", "moderate", "complex"]] | None = None
    tools: bool | None = None


class BudgetTable(_Strict):
    """Limits in money, tokens, seconds and steps (calls): of a run, a day, a month."""

    per_run: Money | None = None
    per_day: Money | None = None
    per_month: Money | None = None
    tokens_per_run: Annotated[int, Field(ge=1)] | None = None
    tokens_per_day: Annotated[int, Field(ge=1)] | None = None
    tokens_per_month: Annotated[int, Field(ge=1)] | None = None
    seconds_per_run: Annotated[float, Field(gt=0)] | None = None
    seconds_per_day: Annotated[float, Field(gt=0)] | None = None
    seconds_per_month: Annotated[float, Field(gt=0)] | None = None
    steps_per_run: Annotated[int, Field(ge=1)] | None = None
    steps_per_day: Annotated[int, Field(ge=1)] | None = None
    steps_per_month: Annotated[int, Field(ge=1)] | None = None
    min_output: Annotated[int, Field(ge=1)] = 16
    alerts: list[Annotated[int, Field(ge=1, le=1000)]] = [50, 80, 100]
    alert_command: fields.Argv | None = None


class RouteTable(_Strict):
    """When a route is taken and what it leads to."""

    when: WhenTable | None = None
    use: Text | None = None
    run: fields.Argv | None = None
    fallback: list[Text] = []
    system: str | None = None
    template: Text | None = None
    schema_: fields.SchemaOrPath | None = Field(None, alias="schema")
    cache: bool = True
    budget: BudgetTable | None = None
    examples: list[Text] = []
    policy: Text | None = None
    max_latency: Duration | None = None
    min_quality: Annotated[float, Field(ge=0, le=1)] | None = None


class RuleTable(BaseModel):
    """An accept rule; its class reads the other keys."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
    kind: Text


class CascadeTable(_Strict):
    """Tiers from cheap to dear, and what an answer must pass."""

    tiers: Annotated[list[Text], Field(min_length=1)]
    accept: list[RuleTable] = []
    max_attempts: Annotated[int, Field(ge=1, le=1000)] | None = None
    on_budget: Literal["stop", "cheaper"] = "stop"


class TemplateTable(_Strict):
    """A prompt with `{{ name }}` holes."""

    prompt: Text
    system: str | None = None
    defaults: dict[str, str] = {}
    version: Text | None = None


class TenantTable(_Strict):
    """On whose behalf a run is made: what it may ask, and what it may spend."""

    models: list[Text] | None = None
    tiers: list[Text] | None = None
    routes: list[Text] | None = None
    local_only: bool = False
    budget: BudgetTable | None = None


class RetryTable(_Strict):
    """How often and how long a failed call is repeated."""

    max_attempts: Annotated[int, Field(ge=1, le=1000)] = 2
    max_attempts_per_run: Annotated[int, Field(ge=1, le=10_000)] = 6
    max_wait: fields.KeepAlive = 10.0
    max_seconds: Annotated[float, Field(gt=0)] | None = None


class BreakerTable(_Strict):
    """When a provider that keeps failing is no longer asked."""

    enabled: bool = True
    failures: Annotated[int, Field(ge=1, le=1000)] = 3
    rate: Annotated[float, Field(gt=0, le=1)] = 0.5
    window: Duration = 60.0
    cooldown: Duration = 30.0


class TelemetryTable(_Strict):
    """Where spans and metrics go, in OpenTelemetry's terms."""

    file: Text | None = None
    endpoint: fields.BaseUrl | None = None
    protocol: Literal["http", "grpc"] = "http"
    headers: dict[str, fields.Header] = {}
    content: bool = False


class RoutingTable(_Strict):
    """How a route is found, and who is asked where that is not clear."""

    order: Annotated[list[Literal["rules", "lexical", "semantic", "judge"]], Field(min_length=1)] | None = None
    encoder: Text | None = None
    judge: Text | None = None
    analyst: Text | None = None
    out_of_scope: Annotated[float, Field(ge=0, lt=1)] = 0.05
    explore: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    explore_budget: Money | None = None


class ShadowTable(_Strict):
    """Which accepted answers of cheap tiers are looked at again, by a dearer one."""

    share: Annotated[float, Field(ge=0, le=1)] = 0.0
    model: Text | None = None
    judge: Text | None = None
    per_day: Money | None = None
    keep: Duration | None = None


class SemanticTable(_Strict):
    """Answers to nearly the same prompt."""

    enabled: bool = False
    similarity: Text | None = None
    unsafe_threshold: Annotated[float, Field(gt=0, le=1)] | None = None
    encoder: Text | None = None
    ttl: Duration | None = None


class CacheTable(_Strict):
    """Answers that are kept."""

    semantic: SemanticTable = SemanticTable()
    enabled: bool = True
    ttl: Duration | None = None
    max_size: Size = 500_000_000


class LedgerTable(_Strict):
    """The record of every run."""

    text: bool = True
    max_size: Size = 1_000_000_000
    keep: Duration | None = None


class HostsTable(_Strict):
    """The processes that keep models warm."""

    idle: Duration = 300.0
    max_memory: Size | None = None


class DefaultsTable(_Strict):
    """What holds where nothing else is said."""

    route: Text | None = None
    system: str | None = None
    params: fields.Params = {}
    max_input: Size = 10_000_000


class ProfileTable(_Strict):
    """A Synapse profile."""

    schema_: Annotated[int, Field(ge=1)] = Field(1, alias="schema")
    models: dict[str, ModelTable] = {}
    routes: dict[str, RouteTable] = {}
    cascades: dict[str, CascadeTable] = {}
    templates: dict[str, TemplateTable] = {}
    tenants: dict[str, TenantTable] = {}
    budget: BudgetTable = BudgetTable()
    retry: RetryTable = RetryTable()
    breaker: BreakerTable = BreakerTable()
    telemetry: TelemetryTable = TelemetryTable()
    routing: RoutingTable = RoutingTable()
    shadow: ShadowTable = ShadowTable()
    cache: CacheTable = CacheTable()
    ledger: LedgerTable = LedgerTable()
    hosts: HostsTable = HostsTable()
    defaults: DefaultsTable = DefaultsTable()


def json_schema() -> dict[str, Json]:
    """The JSON Schema of a profile, for editors."""
    schema: dict[str, Json] = ProfileTable.model_json_schema(by_alias=True)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    properties["extends"] = {"type": "array", "items": {"type": "string"}, "description": "Files that this one changes"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Synapse profile"}
