"""What a profile says, once it is known to be right: frozen values that the rest of Synapse trusts.

Built by `profile.load` from the compiled form; nothing here parses or checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, get_args

from synapse_cli.core.completion import Price
from synapse_cli.core.prompt import Json
from synapse_cli.profile.settings import (
    BreakerSettings,
    CacheSettings,
    Defaults,
    HostSettings,
    LedgerSettings,
    RetrySettings,
    RoutingSettings,
    ShadowSettings,
    TelemetrySettings,
)

PROMPT_LOOKUP = "prompt-lookup"
"""Instead of a smaller model: what was there before guesses ahead."""

Effort = Literal["none", "minimal", "low", "medium", "high"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)
"""How much a model thinks before it answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """An adapter that is laid over a local model's weights."""

    file: str
    """Absolute path of its GGUF."""
    scale: float = 1.0


Spread = Literal["weighted", "ordered", "least_busy", "fastest"]
SPREADS: tuple[Spread, ...] = get_args(Spread)
"""How calls are divided among keys and deployments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a provider lets one key do, over all processes; None is as its answers say, else no limit."""

    rpm: int | None = None
    """Requests per minute."""
    tpm: int | None = None
    """Tokens per minute, prompt and answer."""
    parallel: int | None = None
    max_wait_s: float = 30.0
    """How long a call may queue before it is shed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Another place where a model is served; what is None is the model's own."""

    model: str | None = None
    base_url: str | None = None
    keys: tuple[str, ...] = ()
    weight: float = 1.0
    limits: Limits | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the user's own list of prices says of a model (`synapse prices override`, `synapse prices update`)."""

    price: Price | None
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    is_override: bool = False
    """Whether the user said so of this very model; else it goes before the catalogue, but not before the provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry of `[models]`, or one that `-m` made up."""

    name: str
    backend: str
    source: str | None = None
    """`builtin:nano`, `builtin:minilm`, `file:ABSOLUTE PATH`, `hf:OWNER/REPO/FILE[@REVISION]`, `https:…`."""
    model: str | None = None
    """LiteLLM's name, `provider/id`."""
    limits: Limits | None = None
    """Of each key, or of each deployment that has none of its own."""
    deployments: tuple[Deployment, ...] = ()
    """Where else the same model is served; empty means only here."""
    spread: Spread = "weighted"
    max_attempts: int | None = None
    """Calls within one run; None as `[retry]` says."""
    base_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    organization: str | None = None
    project: str | None = None
    keys: tuple[str, ...] = ()
    """`env:NAME`, `file:ABSOLUTE PATH`, `cmd:ARGV`, `keyring:SERVICE/USER`; empty means the provider's own variable."""
    price: Price | None = None
    listed: Listed | None = None
    """Looked up when it is first asked; no profile says it."""
    context: int | None = None
    sha256: str | None = None
    """Of the file behind an `https:` source."""
    gpu: str | int | None = None
    """`auto`, `off`, or the number of layers."""
    gpu_split: tuple[float, ...] = ()
    """Each device's share of the layers."""
    gpu_main: int = 0
    """The device that holds what is not split."""
    threads: int | None = None
    keep_alive_s: float | None = None
    """How long it stays loaded after its last answer; None as long as its host lives, 0 not at all."""
    lora: tuple[Lora, ...] = ()
    draft: str | None = None
    """A smaller model of the profile that guesses ahead, or `prompt-lookup`."""
    draft_source: str | None = None
    """The `source` of that smaller model."""
    prefix_cache: Literal["memory", "disk", "off"] = "memory"
    """Where beginnings of prompts are kept that requests share."""
    effort: Effort | None = None
    pooling: Literal["mean", "cls", "last"] | None = None
    """How an encoder makes one vector of a text's tokens; None as its file says."""
    normalize: bool = True
    """Whether an encoder's vectors have length 1."""
    encoder: str | None = None
    """Whose vectors a student reads; None is the profile's first encoder, else MiniLM."""
    too_long: Literal["cut", "chunk"] = "cut"
    """What an encoder does with a text beyond its window: cut it, or average over its chunks."""
    dimensions: int | None = None
    """Numbers per vector, for encoders that can shorten theirs."""
    timeout_s: float = 60.0
    params: Mapping[str, Json] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)
    """Keys that only this backend knows (`replies` and `record` of the scripted one, a plugin's own)."""
    trusted: bool = True
    """False where a stranger's profile declared it: then it may not use a user's key at its own base_url."""
    file: str = ""
    """The file that declared it, from which relative paths in `options` resolve; empty where `-m` made it up."""


Complexity = Literal["simple", "moderate", "complex"]


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The conditions of a route: keys AND, list values OR. Empty means never by rule."""

    task: tuple[str, ...] = ()
    regex: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    glob: tuple[str, ...] = ()
    prompt_over: int | None = None
    prompt_under: int | None = None
    tags: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    """Two letters each, as ISO 639-1 has them."""
    domain: tuple[str, ...] = ()
    complexity: tuple[Complexity, ...] = ()
    tools: bool | None = None
    """Whether the prompt needs what no model knows: the time, a search, a calculation, a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings:
    """A `[budget]` table: of the profile, a route or a tenant. None is no limit."""

    per_run: Decimal | None = None
    per_day: Decimal | None = None
    per_month: Decimal | None = None
    tokens_per_run: int | None = None
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None
    seconds_per_run: float | None = None
    seconds_per_day: float | None = None
    seconds_per_month: float | None = None
    steps_per_run: int | None = None
    steps_per_day: int | None = None
    steps_per_month: int | None = None
    min_output: int = 16
    """Tokens below which an answer is not worth asking for."""
    alerts: tuple[int, ...] = (50, 80, 100)
    """Percentages of a day's or month's limit at which the user is told, once each."""
    alert_command: tuple[str, ...] = ()
    """A command that is told too: argv, no shell; the alert as JSON on its stdin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One entry of `[routes]`: when it is taken, and what it leads to."""

    name: str
    when: When | None = None
    examples: tuple[str, ...] = ()
    use: str | None = None
    """Name of a model or of a cascade."""
    run: tuple[str, ...] = ()
    """A command instead of a model; the prompt goes to its stdin."""
    fallback: tuple[str, ...] = ()
    """Models or cascades tried in turn when `use` gave no answer."""
    system: str | None = None
    template: str | None = None
    schema: Json = None
    """The JSON Schema itself (a file named by the profile has been read)."""
    cache: bool = True
    file: str = ""
    """The file that says it: relative programs are found from its folder."""
    budget: BudgetSettings | None = None
    """Of all runs that take this route."""
    policy: str | None = None
    """Absolute path of what `synapse tune` wrote: it chooses among ways, before `use`."""
    max_latency_s: float | None = None
    """Tiers that are known to take longer are passed over."""
    min_quality: float | None = None
    """Tiers that are known to be worse are passed over: a mean score in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One accept rule as written; its class parses `options`. `where` is the key path for messages."""

    kind: str
    options: Mapping[str, Json]
    file: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """Tiers from cheap to dear, and what an answer must pass."""

    name: str
    tiers: tuple[str, ...]
    """Model names."""
    accept: tuple[Rule, ...] = ()
    max_attempts: int | None = None
    on_budget: Literal["stop", "cheaper"] = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A prompt with named holes."""

    name: str
    prompt: str
    system: str | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    """As declared, else the SHA-256 of prompt and system (first 12 hex digits)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One entry of `[tenants]`: on whose behalf a run is made. Lists are names or globs; None allows all."""

    name: str
    models: tuple[str, ...] | None = None
    """What `-m` may name, `provider/id` too; None as `tiers` says."""
    tiers: tuple[str, ...] | None = None
    """Tiers of a cascade that may be asked; None as `models` says."""
    routes: tuple[str, ...] | None = None
    local_only: bool = False
    budget: BudgetSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A whole plan. Dictionaries keep the order of the file."""

    name: str
    path: str
    """Absolute path of the file it came from."""
    hash: str
    """SHA-256 over the content of every file that made it."""
    models: Mapping[str, Model]
    routes: Mapping[str, Route]
    cascades: Mapping[str, Cascade]
    templates: Mapping[str, Template]
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    routing: RoutingSettings = field(default_factory=RoutingSettings)
    shadow: ShadowSettings = field(default_factory=ShadowSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    hosts: HostSettings = field(default_factory=HostSettings)
    defaults: Defaults = field(default_factory=Defaults)
    warnings: tuple[str, ...] = ()
