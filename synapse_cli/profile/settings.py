"""What do the tables of a profile say that stand once in it? Frozen values, as `model` has them of what has a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from synapse_cli.core.prompt import Json

Router = Literal["rules", "lexical", "semantic", "judge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """The `[retry]` table: how often and how long a failed call is repeated."""

    max_attempts: int = 2
    """Calls of one model within one run, the first included; a model's own `max_attempts` goes before."""
    max_attempts_per_run: int = 6
    """Calls of all models within one run."""
    max_wait_s: float = 10.0
    """A provider that asks for a longer pause is left for the next tier."""
    max_seconds: float | None = None
    """One model's calls and pauses together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """The `[breaker]` table: when a provider that keeps failing is no longer asked, by any process."""

    enabled: bool = True
    failures: int = 3
    """In a row."""
    rate: float = 0.5
    """Share of failures within the window, from ten calls on."""
    window_s: float = 60.0
    cooldown_s: float = 30.0
    """How long it stays open until one call may probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySettings:
    """The `[telemetry]` table: where spans and metrics go."""

    file: str | None = None
    """Absolute path; OTLP-JSON, a line an export."""
    endpoint: str | None = None
    """An OTLP collector; needs the extra `otel`."""
    protocol: Literal["http", "grpc"] = "http"
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bool = False
    """Whether prompts and answers are part of spans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSettings:
    """The `[routing]` table: how a route is found, and who is asked where that is not clear."""

    order: tuple[Router, ...] | None = None
    """Each is asked only where the one before is unsure; None is rules, lexical, semantic, then judge if any."""
    encoder: str | None = None
    """Model whose vectors are compared; None is the profile's first encoder, else MiniLM."""
    judge: str | None = None
    """Model that names the route where nothing cheaper is sure."""
    analyst: str | None = None
    """Model that says what a prompt is about; None is nano."""
    out_of_scope: float = 0.05
    """Share of prompts like the examples that may be taken for none of the routes."""
    explore: float = 0.0
    """Share of decisions that try another way than the best, to learn."""
    explore_budget: Decimal | None = None
    """Dollars a day that this may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowSettings:
    """The `[shadow]` table: which accepted answers of cheap tiers are looked at again, by a dearer one."""

    share: float = 0.0
    model: str | None = None
    """Who answers again; None is the last tier of the way."""
    judge: str | None = None
    """Who compares the two, without being told whose they are; None is `model`."""
    per_day: Decimal | None = None
    """Dollars."""
    keep_s: float | None = None
    """After so long an entry of the queue is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticSettings:
    """The `[cache.semantic]` table: answers to nearly the same prompt."""

    enabled: bool = False
    similarity: str | None = None
    """Absolute path of what `synapse cache calibrate` wrote."""
    unsafe_threshold: float | None = None
    """Likeness that is taken for sameness without proof."""
    encoder: str | None = None
    ttl_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """The `[cache]` table."""

    enabled: bool = True
    ttl_s: float | None = None
    """None keeps an answer until it is evicted."""
    max_size: int = 500_000_000
    """Bytes."""
    semantic: SemanticSettings = field(default_factory=SemanticSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """The `[ledger]` table."""

    text: bool = True
    """Whether prompts and answers are kept, or only their hashes."""
    max_size: int = 1_000_000_000
    """Bytes."""
    keep_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """The `[hosts]` table."""

    idle_s: float = 300.0
    """After so long without a request a host ends."""
    max_memory: int | None = None
    """Bytes of all models that a host has loaded; None is what the machine has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The `[defaults]` table."""

    route: str = "default"
    system: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    max_input: int = 10_000_000
    """Bytes of prompt, files and stdin together."""
